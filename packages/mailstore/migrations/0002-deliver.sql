-- Filing a batch of deliveries: one call, one transaction, a straight line of set-based statements.
-- What is out of the ordinary (an unknown account, a recorded delivery, a full quota, a missing
-- Junk mailbox) is reported before anything is written; the caller settles it and calls again.

-- Makes the rows of accounts that have none, with INBOX and the usual special-use mailboxes. RFC 6154 §2
-- Inserts go in account_id order, so that two callers never wait for each other crosswise.
create function mailstore.ensure_accounts(p_accounts bigint[], p_quota_bytes bigint[], p_quota_messages bigint[])
returns void language plpgsql as $$
#variable_conflict use_column
declare
  v_new bigint[];
begin
  with made as (
    insert into mailstore.account_seq (account_id, next_mailbox, next_uidvalidity, quota_bytes, quota_messages)
    select a.account_id, 7, extract(epoch from now())::bigint + 7, a.quota_bytes, a.quota_messages
      from unnest(p_accounts, p_quota_bytes, p_quota_messages) as a(account_id, quota_bytes, quota_messages)
     order by a.account_id
    on conflict (account_id) do nothing
    returning account_id)
  select array_agg(account_id) into v_new from made;
  if v_new is null then return; end if;
  insert into mailstore.mailbox (account_id, mailbox_id, name, special_use, uidvalidity)
  select a.account_id, d.mailbox_id, d.name, d.special_use, extract(epoch from now())::bigint + d.mailbox_id
    from unnest(v_new) as a(account_id),
         (values (1, 'INBOX', null), (2, 'Drafts', '\Drafts'), (3, 'Sent', '\Sent'), (4, 'Trash', '\Trash'),
                 (5, 'Junk', '\Junk'), (6, 'Archive', '\Archive')) as d(mailbox_id, name, special_use);
  insert into mailstore.subscription (account_id, name)
  select a.account_id, d.name
    from unnest(v_new) as a(account_id),
         (values ('INBOX'), ('Drafts'), ('Sent'), ('Trash'), ('Junk'), ('Archive')) as d(name);
end $$;

-- p_accounts: the batch's accounts, each once, ascending, with their limits and how much the batch brings them.
-- p_group_…: mailboxes of the batch: which account (index), INBOX or Junk, how many messages and octets.
-- p_item…: the messages, in the order of their UIDs: account (index), group (index), position in each.
-- Answers one row. Where `trouble` is null everything is written, and the arrays say where.
create function mailstore.deliver(
  p_accounts bigint[], p_quota_bytes bigint[], p_quota_messages bigint[], p_add_bytes bigint[], p_add_messages int[],
  p_group_account int[], p_group_junk boolean[], p_group_messages int[], p_group_bytes bigint[],
  p_item_account int[], p_item_group int[], p_item_nth int[], p_item_group_nth int[],
  p_delivery uuid[], p_size int[], p_sent_at float8[], p_blob_key text[],
  p_prefix bytea[], p_body bytea[], p_summary bytea[])
returns table (
  -- 'unknown' accounts, 'removed' accounts, 'recorded' items, 'full' accounts, 'no-junk' groups; null when all is filed
  trouble text,
  -- Indexes of the accounts, items or groups that are in trouble.
  which int[],
  -- For 'full': what these accounts use now.
  used_bytes bigint[], used_messages bigint[],
  -- Per account: the MODSEQ of this filing and the id of its first message here.
  modseq bigint[], first_email bigint[],
  -- Per group: the mailbox and the first UID.
  mailbox_id int[], first_uid bigint[])
language plpgsql
-- A plan made while the store is small would join the batch with whole tables; this one probes by key for good.
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_ids bigint[]; v_removed boolean; v_modseq bigint[]; v_email bigint[]; v_used bigint[]; v_count bigint[];
  v_mailbox int[]; v_uid bigint[]; v_which int[];
begin
  -- Locks, in account_id order: two batches that share accounts wait for each other one way only.
  select array_agg(l.account_id), bool_or(l.removed_at is not null), array_agg(l.modseq + 1), array_agg(l.next_email),
         array_agg(l.used_bytes), array_agg(l.used_messages)
    into v_ids, v_removed, v_modseq, v_email, v_used, v_count
    from (select s.account_id, s.removed_at, s.modseq, s.next_email, s.used_bytes, s.used_messages
            from mailstore.account_seq s where s.account_id = any (p_accounts)
           order by s.account_id for no key update) l;

  if v_ids is distinct from p_accounts then
    return query select 'unknown', array(select i::int from unnest(p_accounts) with ordinality a(id, i) where not id = any (coalesce(v_ids, '{}'))),
                        null::bigint[], null::bigint[], null::bigint[], null::bigint[], null::int[], null::bigint[];
    return;
  end if;
  if v_removed then
    return query select 'removed', array(select i::int from unnest(p_accounts) with ordinality a(id, i)
                          join mailstore.account_seq s on s.account_id = a.id where s.removed_at is not null),
                        null::bigint[], null::bigint[], null::bigint[], null::bigint[], null::int[], null::bigint[];
    return;
  end if;

  -- A new statement after the locks: it sees every delivery that was recorded by whoever held them before.
  select array_agg(i.ord::int) into v_which
    from unnest(p_item_account, p_delivery) with ordinality i(account, delivery, ord),
         lateral (select from mailstore.delivered d where d.account_id = p_accounts[i.account] and d.delivery_id = i.delivery) d;
  if v_which is not null then
    return query select 'recorded', v_which, null::bigint[], null::bigint[], null::bigint[], null::bigint[], null::int[], null::bigint[];
    return;
  end if;

  for i in 1 .. cardinality(p_accounts) loop
    if (p_quota_bytes[i] > 0 and v_used[i] + p_add_bytes[i] > p_quota_bytes[i])
       or (p_quota_messages[i] > 0 and v_count[i] + p_add_messages[i] > p_quota_messages[i]) then
      v_which := v_which || i;
    end if;
  end loop;
  if v_which is not null then
    return query select 'full', v_which, array(select v_used[w] from unnest(v_which) w), array(select v_count[w] from unnest(v_which) w),
                        null::bigint[], null::bigint[], null::int[], null::bigint[];
    return;
  end if;

  if true = any (p_group_junk) then
    select array_agg(case when g.junk then j.mailbox_id else 1 end order by g.ord) into v_mailbox
      from unnest(p_group_account, p_group_junk) with ordinality g(account, junk, ord)
      left join lateral (select m.mailbox_id from mailstore.mailbox m
                          where g.junk and m.account_id = p_accounts[g.account] and m.special_use = '\Junk' and m.deleted_at is null
                          order by m.mailbox_id limit 1) j on true;
    if array_position(v_mailbox, null) is not null then
      return query select 'no-junk', array(select i::int from unnest(v_mailbox) with ordinality m(id, i) where id is null),
                          null::bigint[], null::bigint[], null::bigint[], null::bigint[], null::int[], null::bigint[];
      return;
    end if;
  else
    v_mailbox := array_fill(1, array[cardinality(p_group_account)]);
  end if;

  update mailstore.account_seq s
     set modseq = s.modseq + 1, next_email = s.next_email + a.messages,
         used_bytes = s.used_bytes + a.bytes, used_messages = s.used_messages + a.messages,
         quota_bytes = a.quota_bytes, quota_messages = a.quota_messages
    from unnest(p_accounts, p_add_messages, p_add_bytes, p_quota_bytes, p_quota_messages)
         as a(account_id, messages, bytes, quota_bytes, quota_messages)
   where s.account_id = a.account_id;

  with moved as (
    update mailstore.mailbox m
       set uidnext = m.uidnext + g.messages, highestmodseq = v_modseq[g.account],
           messages = m.messages + g.messages, unseen = m.unseen + g.messages, bytes = m.bytes + g.bytes
      from unnest(p_group_account, v_mailbox, p_group_messages, p_group_bytes) with ordinality
           as g(account, mailbox_id, messages, bytes, ord)
     where m.account_id = p_accounts[g.account] and m.mailbox_id = g.mailbox_id
    returning g.ord, m.uidnext - g.messages as first)
  select array_agg(first order by ord) into v_uid from moved;

  insert into mailstore.email (account_id, email_id, size, internal_date, sent_at, prefix, body, blob_key, summary)
  select p_accounts[i.account], v_email[i.account] + i.nth, i.size, now(), to_timestamp(i.sent_at), i.prefix, i.body, i.blob_key, i.summary
    from unnest(p_item_account, p_item_nth, p_size, p_sent_at, p_prefix, p_body, p_blob_key, p_summary)
         as i(account, nth, size, sent_at, prefix, body, blob_key, summary);

  insert into mailstore.mailbox_msg (account_id, uid, email_id, modseq, created_modseq, internal_date, mailbox_id, size)
  select p_accounts[i.account], v_uid[i.grp] + i.grp_nth, v_email[i.account] + i.nth, v_modseq[i.account], v_modseq[i.account],
         now(), v_mailbox[i.grp], i.size
    from unnest(p_item_account, p_item_nth, p_item_group, p_item_group_nth, p_size) as i(account, nth, grp, grp_nth, size);

  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
  select p_accounts[g.account], v_modseq[g.account], v_mailbox[g.ord], 1,
         case when g.messages = 1 then v_uid[g.ord]::text else v_uid[g.ord] || ':' || v_uid[g.ord] + g.messages - 1 end
    from unnest(p_group_account, p_group_messages) with ordinality as g(account, messages, ord);

  insert into mailstore.delivered (account_id, delivery_id)
  select p_accounts[i.account], i.delivery from unnest(p_item_account, p_delivery) as i(account, delivery);

  return query select null::text, null::int[], null::bigint[], null::bigint[], v_modseq, v_email, v_mailbox, v_uid;
end $$;

revoke all on all functions in schema mailstore from public;
grant execute on function mailstore.ensure_accounts to waybill_mda, waybill_mra;
grant execute on function mailstore.deliver to waybill_mda;
