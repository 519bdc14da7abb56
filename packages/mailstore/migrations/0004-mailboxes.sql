-- The reader's hand on mailboxes: opening an account, creating, deleting, renaming, subscribing.
-- Names come checked and in full, '/' between levels; every parent of a mailbox exists.

-- Makes the account at first use and keeps its limits as auth last named them. False: it was removed.
create function mailstore.open_account(p_account bigint, p_quota_bytes bigint, p_quota_messages bigint)
returns boolean language plpgsql as $$
declare
  s mailstore.account_seq;
begin
  select * into s from mailstore.account_seq a where a.account_id = p_account;
  if not found then
    perform mailstore.ensure_accounts(array[p_account], array[p_quota_bytes], array[p_quota_messages]);
    return true;
  end if;
  if s.quota_bytes <> p_quota_bytes or s.quota_messages <> p_quota_messages then
    update mailstore.account_seq a set quota_bytes = p_quota_bytes, quota_messages = p_quota_messages where a.account_id = p_account;
  end if;
  return s.removed_at is null;
end $$;

-- Moves the \Recent watermark up to UIDNEXT; answers where it stood. No row: no such mailbox. RFC 3501 §2.3.2
create function mailstore.claim_recent(p_account bigint, p_mailbox int) returns setof bigint language plpgsql as $$
declare
  v_recent bigint;
begin
  select m.recent_from into v_recent from mailstore.mailbox m
   where m.account_id = p_account and m.mailbox_id = p_mailbox and m.recent_from < m.uidnext and m.deleted_at is null for no key update;
  if found then
    update mailstore.mailbox m set recent_from = m.uidnext where m.account_id = p_account and m.mailbox_id = p_mailbox;
    return next v_recent;
  else
    return query select m.uidnext from mailstore.mailbox m
     where m.account_id = p_account and m.mailbox_id = p_mailbox and m.deleted_at is null;
  end if;
end $$;

-- Inside a write that holds the account's row: makes those of these mailboxes that are missing. p_special_use is the last one's.
-- False: there would be too many.
create function mailstore.make_mailboxes(p_account bigint, p_names text[], p_special_use text, p_modseq bigint)
returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  v_missing text[];
begin
  select array_agg(n order by i) into v_missing from unnest(p_names) with ordinality as u(n, i)
   where not exists (select from mailstore.mailbox m where m.account_id = p_account and m.name = n and m.deleted_at is null);
  if v_missing is null then return true; end if;
  if (select count(*) from mailstore.mailbox m where m.account_id = p_account and m.deleted_at is null) + cardinality(v_missing) > 2000 then
    return false;
  end if;
  insert into mailstore.mailbox (account_id, mailbox_id, name, special_use, uidvalidity, highestmodseq)
  select p_account, s.next_mailbox - 1 + u.i, u.n, case when u.n = p_names[cardinality(p_names)] then p_special_use end,
         s.next_uidvalidity - 1 + u.i, p_modseq
    from mailstore.account_seq s, unnest(v_missing) with ordinality as u(n, i)
   where s.account_id = p_account;
  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
  select p_account, p_modseq, s.next_mailbox - 1 + i, 4, ''
    from mailstore.account_seq s, generate_series(1, cardinality(v_missing)) as i
   where s.account_id = p_account;
  update mailstore.account_seq s
     set modseq = p_modseq, next_mailbox = s.next_mailbox + cardinality(v_missing), next_uidvalidity = s.next_uidvalidity + cardinality(v_missing)
   where s.account_id = p_account;
  return true;
end $$;

-- p_names: the missing parents outermost first (those that exist are passed over), then the mailbox. RFC 3501 §6.3.3
create function mailstore.create_mailbox(p_account bigint, p_names text[], p_special_use text)
returns text language plpgsql as $$
declare
  v_modseq bigint;
begin
  select s.modseq into v_modseq from mailstore.account_seq s where s.account_id = p_account for no key update;
  if not found then return 'no-such-account'; end if;
  perform from mailstore.mailbox m where m.account_id = p_account and m.name = p_names[cardinality(p_names)] and m.deleted_at is null;
  if found then return 'already-exists'; end if;
  if not mailstore.make_mailboxes(p_account, p_names, p_special_use, v_modseq + 1) then return 'too-many'; end if;
  return null;
end $$;

-- Leaves a tombstone: its messages are kept for the grace period but no longer counted. RFC 3501 §6.3.4
create function mailstore.delete_mailbox(p_account bigint, p_name text) returns text language plpgsql as $$
declare
  v_modseq bigint; v_mailbox mailstore.mailbox;
begin
  select s.modseq + 1 into v_modseq from mailstore.account_seq s where s.account_id = p_account for no key update;
  select * into v_mailbox from mailstore.mailbox m where m.account_id = p_account and m.name = p_name and m.deleted_at is null;
  if not found then return 'no-such-mailbox'; end if;
  if v_mailbox.mailbox_id = 1 then return 'cannot-delete-inbox'; end if;
  -- In the C collation '0' follows '/': the names below are those between the two.
  perform from mailstore.mailbox m
   where m.account_id = p_account and m.name > p_name || '/' and m.name < p_name || '0' and m.deleted_at is null;
  if found then return 'has-children'; end if;
  update mailstore.mailbox m set deleted_at = now(), highestmodseq = v_modseq
   where m.account_id = p_account and m.mailbox_id = v_mailbox.mailbox_id;
  update mailstore.account_seq s
     set modseq = v_modseq, used_bytes = s.used_bytes - v_mailbox.bytes, used_messages = s.used_messages - v_mailbox.messages
   where s.account_id = p_account;
  insert into mailstore.former_name (account_id, name, uidvalidity) values (p_account, p_name, v_mailbox.uidvalidity)
  on conflict (account_id, name) do update set uidvalidity = greatest(former_name.uidvalidity, excluded.uidvalidity), at = now();
  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids) values (p_account, v_modseq, v_mailbox.mailbox_id, 4, '');
  return null;
end $$;

-- Renames a mailbox with all below it; INBOX stays, its messages move. p_parents: those of the new name, outermost first.
-- A mailbox keeps its UIDVALIDITY unless its new name once had as high a one: then it gets a new one,
-- so that a name's UIDVALIDITY only ever rises. RFC 3501 §6.3.5, §2.3.1.1
create function mailstore.rename_mailbox(p_account bigint, p_from text, p_to text, p_parents text[]) returns text language plpgsql as $$
declare
  v_modseq bigint; v_validity bigint; v_mailbox mailstore.mailbox; v_to int; v_uids bigint[]; r record; v_name text; v_new bigint;
begin
  select s.modseq + 1 into v_modseq from mailstore.account_seq s where s.account_id = p_account for no key update;
  select * into v_mailbox from mailstore.mailbox m where m.account_id = p_account and m.name = p_from and m.deleted_at is null;
  if not found then return 'no-such-mailbox'; end if;
  perform from mailstore.mailbox m where m.account_id = p_account and m.name = p_to and m.deleted_at is null;
  if found then return 'already-exists'; end if;

  if v_mailbox.mailbox_id = 1 then
    if not mailstore.make_mailboxes(p_account, p_parents || p_to, null, v_modseq) then return 'too-many'; end if;
    select m.mailbox_id into v_to from mailstore.mailbox m where m.account_id = p_account and m.name = p_to and m.deleted_at is null;
    select array_agg(m.uid) into v_uids from mailstore.mailbox_msg m where m.account_id = p_account and m.mailbox_id = 1;
    if v_uids is not null then
      perform mailstore.put_copies(p_account, 1, v_uids, v_to, v_modseq);
      perform mailstore.take_out(p_account, 1, v_uids, v_modseq);
    end if;
    return null;
  end if;

  perform from mailstore.mailbox m
   where m.account_id = p_account and m.name > p_from || '/' and m.name < p_from || '0' and m.deleted_at is null
     and octet_length(m.name) - octet_length(p_from) + octet_length(p_to) > 255;
  if found then return 'bad-name'; end if;
  if not mailstore.make_mailboxes(p_account, p_parents, null, v_modseq) then return 'too-many'; end if;
  select s.next_uidvalidity into v_validity from mailstore.account_seq s where s.account_id = p_account;
  for r in select m.mailbox_id, m.name, m.uidvalidity from mailstore.mailbox m
            where m.account_id = p_account and m.deleted_at is null
              and (m.name = p_from or (m.name > p_from || '/' and m.name < p_from || '0')) loop
    v_name := p_to || substr(r.name, length(p_from) + 1);
    v_new := r.uidvalidity;
    if exists (select from mailstore.former_name f where f.account_id = p_account and f.name = v_name and f.uidvalidity >= r.uidvalidity) then
      v_new := v_validity;
      v_validity := v_validity + 1;
    end if;
    update mailstore.mailbox m set name = v_name, uidvalidity = v_new, highestmodseq = v_modseq
     where m.account_id = p_account and m.mailbox_id = r.mailbox_id;
    insert into mailstore.former_name (account_id, name, uidvalidity) values (p_account, r.name, r.uidvalidity)
    on conflict (account_id, name) do update set uidvalidity = greatest(former_name.uidvalidity, excluded.uidvalidity), at = now();
    insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids) values (p_account, v_modseq, r.mailbox_id, 4, '');
  end loop;
  update mailstore.account_seq s set modseq = v_modseq, next_uidvalidity = v_validity where s.account_id = p_account;
  return null;
end $$;

-- Subscribes a name or unsubscribes it; the mailbox need not exist any more. RFC 3501 §6.3.6, §6.3.7
create function mailstore.set_subscribed(p_account bigint, p_name text, p_subscribed boolean) returns text language plpgsql as $$
declare
  v_modseq bigint;
begin
  select s.modseq + 1 into v_modseq from mailstore.account_seq s where s.account_id = p_account for no key update;
  if not found then return 'no-such-account'; end if;
  if p_subscribed then
    if (select count(*) from mailstore.subscription u where u.account_id = p_account) >= 4000 then return 'too-many'; end if;
    insert into mailstore.subscription (account_id, name) values (p_account, p_name) on conflict do nothing;
  else
    delete from mailstore.subscription u where u.account_id = p_account and u.name = p_name;
  end if;
  if found then
    update mailstore.account_seq s set modseq = v_modseq where s.account_id = p_account;
    insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids) values (p_account, v_modseq, 0, 5, '');
  end if;
  return null;
end $$;

revoke all on all functions in schema mailstore from public;
grant execute on function mailstore.open_account, mailstore.claim_recent, mailstore.make_mailboxes, mailstore.create_mailbox,
  mailstore.delete_mailbox, mailstore.rename_mailbox, mailstore.set_subscribed to waybill_mra;
