-- The reader's hand on messages: opening a mailbox, marking, expunging, copying, moving, appending.
-- Each write is one function and one transaction: it locks the account's row, changes rows, writes
-- the log. A refusal is a value and leaves everything as it was.

-- UIDs as an IMAP set: 3:9,14.
create function mailstore.uid_set(p_uids bigint[]) returns text language plpgsql immutable parallel safe as $$
begin
  if cardinality(p_uids) = 1 then return p_uids[1]::text; end if;
  return coalesce((
    select string_agg(case when lo = hi then lo::text else lo || ':' || hi end, ',' order by lo)
      from (select min(uid) as lo, max(uid) as hi
              from (select uid, uid - row_number() over (order by uid) as island from unnest(p_uids) as uid) i
             group by island) r), '');
end $$;

-- And back: an IMAP set as ranges.
create function mailstore.uid_ranges(p_set text) returns int8multirange language plpgsql immutable parallel safe as $$
begin
  if position(',' in p_set) = 0 then
    return int8multirange(int8range(split_part(p_set, ':', 1)::bigint, split_part(p_set, ':', -1)::bigint, '[]'));
  end if;
  return (select range_agg(int8range(split_part(e, ':', 1)::bigint, split_part(e, ':', -1)::bigint, '[]'))
            from string_to_table(p_set, ',') as e);
end $$;

-- A time in whole milliseconds since the epoch. (Stable, as date_part is: else it would not be inlined.)
create function mailstore.epoch_ms(p_at timestamptz) returns bigint language sql stable parallel safe as $$
  select (date_part('epoch', p_at) * 1000)::bigint $$;

-- Keywords after STORE: in the order of their letters, each once whatever its case; null for none. RFC 3501 §2.3.2
create function mailstore.new_keywords(p_mode text, p_old text[], p_given text[]) returns text[]
language sql immutable parallel safe as $$
  select case p_mode
    when 'set' then nullif(p_given, '{}')
    when 'add' then nullif(array(
      select k from (select k from unnest(p_old) k union all
                     select g from unnest(p_given) g where lower(g) <> all (array(select lower(o) from unnest(p_old) o))) as both_of(k)
       order by lower(k) collate "C"), '{}')
    else nullif(array(select o from unnest(p_old) with ordinality as u(o, n)
       where lower(o) <> all (array(select lower(g) from unnest(p_given) g)) order by n), '{}')
  end $$;

-- Messages of a mailbox as columns, sorted by UID, each an array's text: half the cost of rows, and of binary ones in hex.
create function mailstore.pack(p_account bigint, p_mailbox int, p_uids bigint[])
returns table (uids text, flags text, modseqs text, created text, email_ids text, sizes text, dates text, keywords json)
language sql stable as $$
  select array_agg(m.uid)::text, array_agg(m.flags)::text, array_agg(m.modseq)::text, array_agg(m.created_modseq)::text,
         array_agg(m.email_id)::text, array_agg(m.size)::text, array_agg(mailstore.epoch_ms(m.internal_date))::text,
         json_object_agg(m.uid, m.keywords) filter (where m.keywords is not null)
    from (select * from mailstore.mailbox_msg
           where account_id = p_account and mailbox_id = p_mailbox and uid = any (p_uids) order by uid) m $$;

-- A mailbox whole, as one consistent view. With p_claim the \Recent watermark moves up to UIDNEXT, and
-- recent_from tells where it stood. The row lock of the claim keeps deliveries to this mailbox out until
-- the view, taken after it, is complete: what was claimed is what is seen. RFC 3501 §2.3.2
create function mailstore.open_mailbox(p_account bigint, p_mailbox int, p_claim boolean)
returns table (
  account_modseq bigint, mailbox_id int, name text, special_use text, subscribed boolean, uidvalidity bigint, uidnext bigint,
  highestmodseq bigint, recent_from bigint, messages int, unseen int,
  uids text, flags text, modseqs text, created text, email_ids text, sizes text, dates text, keywords json)
language plpgsql as $$
#variable_conflict use_column
declare
  v_recent bigint;
begin
  if p_claim then
    select m.recent_from into v_recent from mailstore.mailbox m
     where m.account_id = p_account and m.mailbox_id = p_mailbox and m.recent_from < m.uidnext for no key update;
    if found then
      update mailstore.mailbox m set recent_from = m.uidnext where m.account_id = p_account and m.mailbox_id = p_mailbox;
    end if;
  end if;
  return query
  select s.modseq, m.mailbox_id, m.name, m.special_use,
         exists (select from mailstore.subscription u where u.account_id = p_account and u.name = m.name),
         m.uidvalidity, m.uidnext, m.highestmodseq, coalesce(v_recent, m.recent_from), m.messages, m.unseen,
         p.uids, p.flags, p.modseqs, null::text, p.email_ids, p.sizes, p.dates, p.keywords
    from mailstore.mailbox m
    join mailstore.account_seq s on s.account_id = m.account_id
   cross join lateral (
     select array_agg(x.uid)::text as uids, array_agg(x.flags)::text as flags, array_agg(x.modseq)::text as modseqs,
            array_agg(x.email_id)::text as email_ids, array_agg(x.size)::text as sizes,
            array_agg(mailstore.epoch_ms(x.internal_date))::text as dates,
            json_object_agg(x.uid, x.keywords) filter (where x.keywords is not null) as keywords
       from (select * from mailstore.mailbox_msg where account_id = p_account and mailbox_id = p_mailbox order by uid) x) p
   where m.account_id = p_account and m.mailbox_id = p_mailbox and m.deleted_at is null;
end $$;

-- Marks messages. Rows whose marks stay as they were keep their MODSEQ. Answers the present rows of all UIDs asked.
create function mailstore.store_flags(
  p_account bigint, p_mailbox int, p_uids bigint[], p_mode text, p_flags int, p_keywords text[])
returns table (
  refusal text, modseq bigint,
  uids text, flags text, modseqs text, created text, email_ids text, sizes text, dates text, keywords json)
language plpgsql as $$
#variable_conflict use_column
declare
  v_modseq bigint; v_uids bigint[]; v_unseen int := 0;
  -- New flags are (old & v_keep) | v_set.
  v_keep int := case p_mode when 'set' then 0 when 'add' then -1 else ~p_flags end;
  v_set int := case p_mode when 'remove' then 0 else p_flags end;
  v_words boolean := p_mode = 'set' or cardinality(p_keywords) > 0;
  v_seen boolean := p_mode = 'set' or p_flags & 1 <> 0;
  v_refusal text;
begin
  select s.modseq into v_modseq from mailstore.account_seq s where s.account_id = p_account for no key update;
  perform from mailstore.mailbox m where m.account_id = p_account and m.mailbox_id = p_mailbox and m.deleted_at is null;
  if not found then
    v_refusal := 'no-such-mailbox';
  elsif p_mode = 'add' and v_words and exists (
    select from mailstore.mailbox_msg m where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids)
       and m.keywords is not null and cardinality(mailstore.new_keywords('add', m.keywords, p_keywords)) > 64) then
    v_refusal := 'too-many';
  end if;
  if v_refusal is not null then
    return query select v_refusal, null::bigint, null::text, null::text, null::text, null::text, null::text, null::text, null::text, null::json;
    return;
  end if;

  if v_seen then
    select count(*) into v_unseen from mailstore.mailbox_msg m
     where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids) and m.flags & 1 = 0;
  end if;
  if v_words then
    with moved as (
      update mailstore.mailbox_msg m
         set flags = m.flags & v_keep | v_set, keywords = mailstore.new_keywords(p_mode, m.keywords, p_keywords), modseq = v_modseq + 1
       where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids)
         and (m.flags <> (m.flags & v_keep | v_set) or m.keywords is distinct from mailstore.new_keywords(p_mode, m.keywords, p_keywords))
      returning m.uid)
    select array_agg(uid) into v_uids from moved;
  else
    with moved as (
      update mailstore.mailbox_msg m set flags = m.flags & v_keep | v_set, modseq = v_modseq + 1
       where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids)
         and m.flags <> (m.flags & v_keep | v_set)
      returning m.uid)
    select array_agg(uid) into v_uids from moved;
  end if;

  if v_uids is not null then
    v_modseq := v_modseq + 1;
    if v_seen then
      select count(*) - v_unseen into v_unseen from mailstore.mailbox_msg m
       where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids) and m.flags & 1 = 0;
    end if;
    update mailstore.account_seq s set modseq = v_modseq where s.account_id = p_account;
    update mailstore.mailbox m set highestmodseq = v_modseq, unseen = m.unseen + v_unseen
     where m.account_id = p_account and m.mailbox_id = p_mailbox;
    insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
    values (p_account, v_modseq, p_mailbox, 2, mailstore.uid_set(v_uids));
  end if;
  return query select null::text, v_modseq, p.* from mailstore.pack(p_account, p_mailbox, p_uids) p;
end $$;

-- Inside a write: takes these messages (which exist) out of a mailbox, and what no mailbox refers to any more is an orphan.
create function mailstore.take_out(p_account bigint, p_mailbox int, p_uids bigint[], p_modseq bigint)
returns table (messages int, bytes bigint) language plpgsql
-- The search for other references probes by key, whatever the size that the plan was made for.
set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_emails bigint[]; v_messages int; v_bytes bigint; v_unseen int;
begin
  with gone as (
    delete from mailstore.mailbox_msg m
     where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids)
    returning m.email_id, m.size, m.flags)
  select array_agg(email_id), count(*), sum(size), count(*) filter (where flags & 1 = 0)
    into v_emails, v_messages, v_bytes, v_unseen from gone;
  insert into mailstore.orphan (account_id, email_id)
  select distinct p_account, e from unnest(v_emails) as e
   where not exists (select from mailstore.mailbox_msg m where m.account_id = p_account and m.email_id = e)
  on conflict do nothing;
  update mailstore.mailbox m
     set messages = m.messages - v_messages, unseen = m.unseen - v_unseen, bytes = m.bytes - v_bytes, highestmodseq = p_modseq
   where m.account_id = p_account and m.mailbox_id = p_mailbox;
  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
  values (p_account, p_modseq, p_mailbox, 3, mailstore.uid_set(p_uids));
  return query select v_messages, v_bytes;
end $$;

-- Inside a write: puts copies of these messages (which exist) into another mailbox, in the order of their UIDs. Answers the first new UID.
create function mailstore.put_copies(p_account bigint, p_from int, p_uids bigint[], p_to int, p_modseq bigint)
returns bigint language plpgsql as $$
#variable_conflict use_column
declare
  v_first bigint; v_messages int; v_bytes bigint; v_unseen int;
begin
  select m.uidnext into v_first from mailstore.mailbox m where m.account_id = p_account and m.mailbox_id = p_to;
  with put as (
    insert into mailstore.mailbox_msg (account_id, uid, email_id, modseq, created_modseq, internal_date, mailbox_id, size, flags, keywords)
    select p_account, v_first - 1 + row_number() over (order by m.uid), m.email_id, p_modseq, p_modseq, m.internal_date, p_to, m.size, m.flags, m.keywords
      from mailstore.mailbox_msg m where m.account_id = p_account and m.mailbox_id = p_from and m.uid = any (p_uids)
    returning size, flags)
  select count(*), sum(size), count(*) filter (where flags & 1 = 0) into v_messages, v_bytes, v_unseen from put;
  update mailstore.mailbox m
     set uidnext = m.uidnext + v_messages, messages = m.messages + v_messages, unseen = m.unseen + v_unseen, bytes = m.bytes + v_bytes,
         highestmodseq = p_modseq
   where m.account_id = p_account and m.mailbox_id = p_to;
  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
  values (p_account, p_modseq, p_to, 1, case when v_messages = 1 then v_first::text else v_first || ':' || v_first + v_messages - 1 end);
  return v_first;
end $$;

-- Removes messages: those with \Deleted, or with p_any all of p_uids. p_uids null is the whole mailbox. Answers the set of removed UIDs.
create function mailstore.expunge(p_account bigint, p_mailbox int, p_uids bigint[], p_any boolean)
returns table (refusal text, modseq bigint, uids text) language plpgsql as $$
#variable_conflict use_column
declare
  v_modseq bigint; v_uids bigint[]; v_taken record;
begin
  select s.modseq into v_modseq from mailstore.account_seq s where s.account_id = p_account for no key update;
  perform from mailstore.mailbox m where m.account_id = p_account and m.mailbox_id = p_mailbox and m.deleted_at is null;
  if not found then
    return query select 'no-such-mailbox', null::bigint, null::text;
    return;
  end if;
  if p_uids is null then
    select array_agg(m.uid) into v_uids from mailstore.mailbox_msg m
     where m.account_id = p_account and m.mailbox_id = p_mailbox and m.flags & 8 <> 0;
  else
    select array_agg(m.uid) into v_uids from mailstore.mailbox_msg m
     where m.account_id = p_account and m.mailbox_id = p_mailbox and m.uid = any (p_uids) and (p_any or m.flags & 8 <> 0);
  end if;
  if v_uids is not null then
    v_modseq := v_modseq + 1;
    select t.messages, t.bytes into v_taken from mailstore.take_out(p_account, p_mailbox, v_uids, v_modseq) t;
    update mailstore.account_seq s
       set modseq = v_modseq, used_bytes = s.used_bytes - v_taken.bytes, used_messages = s.used_messages - v_taken.messages
     where s.account_id = p_account;
  end if;
  return query select null::text, v_modseq, mailstore.uid_set(v_uids);
end $$;

-- Copies messages to the mailbox of that name, or with p_move moves them (RFC 6851: one transaction, flags and dates stay).
-- Answers the set of UIDs that were there, and the first of the new ones, which follow in the same order.
create function mailstore.copy_messages(
  p_account bigint, p_quota_bytes bigint, p_quota_messages bigint, p_from int, p_uids bigint[], p_to text, p_move boolean)
returns table (refusal text, modseq bigint, uidvalidity bigint, uids text, first_uid bigint) language plpgsql as $$
#variable_conflict use_column
declare
  s mailstore.account_seq; v_to mailstore.mailbox; v_uids bigint[]; v_bytes bigint; v_first bigint; v_messages int; v_refusal text;
begin
  select * into s from mailstore.account_seq a where a.account_id = p_account for no key update;
  perform from mailstore.mailbox m where m.account_id = p_account and m.mailbox_id = p_from and m.deleted_at is null;
  if not found then
    v_refusal := 'source-gone';
  else
    select * into v_to from mailstore.mailbox m where m.account_id = p_account and m.name = p_to and m.deleted_at is null;
    if not found then
      v_refusal := 'no-such-mailbox';
    else
      select array_agg(m.uid), sum(m.size) into v_uids, v_bytes from mailstore.mailbox_msg m
       where m.account_id = p_account and m.mailbox_id = p_from and m.uid = any (p_uids);
      v_messages := coalesce(cardinality(v_uids), 0);
      if not p_move and v_messages > 0
         and ((p_quota_bytes > 0 and s.used_bytes + v_bytes > p_quota_bytes)
           or (p_quota_messages > 0 and s.used_messages + v_messages > p_quota_messages)) then
        v_refusal := 'over-quota';
      end if;
    end if;
  end if;
  if v_refusal is not null then
    return query select v_refusal, null::bigint, null::bigint, null::text, null::bigint;
    return;
  end if;
  if v_messages > 0 then
    s.modseq := s.modseq + 1;
    v_first := mailstore.put_copies(p_account, p_from, v_uids, v_to.mailbox_id, s.modseq);
    if p_move then
      perform mailstore.take_out(p_account, p_from, v_uids, s.modseq);
      v_messages := 0;
      v_bytes := 0;
    end if;
    update mailstore.account_seq a
       set modseq = s.modseq, used_bytes = a.used_bytes + v_bytes, used_messages = a.used_messages + v_messages
     where a.account_id = p_account;
  end if;
  return query select null::text, s.modseq, v_to.uidvalidity, mailstore.uid_set(v_uids), v_first;
end $$;

-- Appends messages to the mailbox of that name, all or none. Keywords are given as atoms joined by blanks.
create function mailstore.append_messages(
  p_account bigint, p_quota_bytes bigint, p_quota_messages bigint, p_name text,
  p_flags int[], p_keywords text[], p_internal_date float8[], p_size int[], p_sent_at float8[], p_blob_key text[],
  p_body bytea[], p_summary bytea[])
returns table (refusal text, modseq bigint, uidvalidity bigint, first_uid bigint) language plpgsql as $$
#variable_conflict use_column
declare
  s mailstore.account_seq; v_to mailstore.mailbox; v_refusal text;
  v_messages int := cardinality(p_flags);
  v_bytes bigint := (select sum(z) from unnest(p_size) z);
begin
  select * into s from mailstore.account_seq a where a.account_id = p_account for no key update;
  if not found then
    v_refusal := 'unknown';
  else
    select * into v_to from mailstore.mailbox m where m.account_id = p_account and m.name = p_name and m.deleted_at is null;
    if not found then
      v_refusal := 'no-such-mailbox';
    elsif (p_quota_bytes > 0 and s.used_bytes + v_bytes > p_quota_bytes)
       or (p_quota_messages > 0 and s.used_messages + v_messages > p_quota_messages) then
      v_refusal := 'over-quota';
    end if;
  end if;
  if v_refusal is not null then
    return query select v_refusal, null::bigint, null::bigint, null::bigint;
    return;
  end if;
  s.modseq := s.modseq + 1;
  insert into mailstore.email (account_id, email_id, size, internal_date, sent_at, prefix, body, blob_key, summary)
  select p_account, s.next_email - 1 + i.nth, i.size, coalesce(to_timestamp(i.internal_date), now()), to_timestamp(i.sent_at), '', i.body, i.blob_key, i.summary
    from unnest(p_size, p_internal_date, p_sent_at, p_body, p_blob_key, p_summary) with ordinality
         as i(size, internal_date, sent_at, body, blob_key, summary, nth);
  insert into mailstore.mailbox_msg (account_id, uid, email_id, modseq, created_modseq, internal_date, mailbox_id, size, flags, keywords)
  select p_account, v_to.uidnext - 1 + i.nth, s.next_email - 1 + i.nth, s.modseq, s.modseq, coalesce(to_timestamp(i.internal_date), now()),
         v_to.mailbox_id, i.size, i.flags, string_to_array(nullif(i.keywords, ''), ' ')
    from unnest(p_size, p_internal_date, p_flags, p_keywords) with ordinality as i(size, internal_date, flags, keywords, nth);
  update mailstore.account_seq a
     set modseq = s.modseq, next_email = a.next_email + v_messages,
         used_bytes = a.used_bytes + v_bytes, used_messages = a.used_messages + v_messages
   where a.account_id = p_account;
  update mailstore.mailbox m
     set uidnext = m.uidnext + v_messages, messages = m.messages + v_messages, bytes = m.bytes + v_bytes, highestmodseq = s.modseq,
         unseen = m.unseen + (select count(*) from unnest(p_flags) f where f & 1 = 0)
   where m.account_id = p_account and m.mailbox_id = v_to.mailbox_id;
  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
  values (p_account, s.modseq, v_to.mailbox_id, 1,
          case when v_messages = 1 then v_to.uidnext::text else v_to.uidnext || ':' || v_to.uidnext + v_messages - 1 end);
  return query select null::text, s.modseq, v_to.uidvalidity, v_to.uidnext;
end $$;

revoke all on all functions in schema mailstore from public;
grant execute on function mailstore.uid_set, mailstore.uid_ranges, mailstore.epoch_ms, mailstore.new_keywords, mailstore.pack, mailstore.open_mailbox,
  mailstore.store_flags, mailstore.take_out, mailstore.put_copies, mailstore.expunge, mailstore.copy_messages, mailstore.append_messages
  to waybill_mra;
