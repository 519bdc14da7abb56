-- What the sweeper does, in bounded steps: each call works through at most p_limit rows and answers
-- how many it deleted. These statements go over all accounts, by age, on purpose.

create function mailstore.sweep_delivered(p_older_than interval, p_limit int) returns int language plpgsql as $$
declare
  v_count int;
begin
  delete from mailstore.delivered d
   where d.ctid = any (array(select x.ctid from mailstore.delivered x where x.at < now() - p_older_than order by x.at limit p_limit));
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Shortens the log of the accounts whose oldest entries are past the age. The account's row is locked, and its
-- horizon moves with the deletion: no reader takes a shortened log for a whole one.
create function mailstore.sweep_changes(p_older_than interval, p_limit int) returns int language plpgsql as $$
declare
  v_account bigint; v_last bigint; v_step int; v_count int := 0;
begin
  for v_account, v_last in
    select x.account_id, max(x.modseq)
      from (select c.account_id, c.modseq from mailstore.change c where c.at < now() - p_older_than order by c.at limit p_limit) x
     group by x.account_id order by x.account_id
  loop
    update mailstore.account_seq s set horizon = greatest(s.horizon, v_last) where s.account_id = v_account;
    delete from mailstore.change c where c.account_id = v_account and c.modseq <= v_last;
    get diagnostics v_step = row_count;
    v_count := v_count + v_step;
  end loop;
  return v_count;
end $$;

-- Keeps the log of each account to its newest p_keep MODSEQs. Goes over the accounts above p_after, p_limit of them; answers the last
-- one looked at (null: that was the end) and the rows deleted.
create function mailstore.trim_changes(p_keep int, p_after bigint, p_limit int)
returns table (last_account bigint, deleted int) language plpgsql as $$
#variable_conflict use_column
declare
  v_account bigint; v_last bigint; v_step int; v_seen int := 0;
begin
  deleted := 0;
  for v_account, v_last in
    select s.account_id, case when s.modseq - s.horizon > p_keep + p_keep / 10 then s.modseq - p_keep end
      from mailstore.account_seq s where s.account_id > p_after order by s.account_id limit p_limit
  loop
    v_seen := v_seen + 1;
    last_account := v_account;
    continue when v_last is null;
    update mailstore.account_seq s set horizon = greatest(s.horizon, v_last) where s.account_id = v_account;
    delete from mailstore.change c where c.account_id = v_account and c.modseq <= v_last;
    get diagnostics v_step = row_count;
    deleted := deleted + v_step;
  end loop;
  if v_seen < p_limit then last_account := null; end if;
  return next;
end $$;

-- Takes the messages out of mailboxes that were deleted before the grace period, and then the tombstones themselves.
-- A removed account's mailboxes are tombstones too.
create function mailstore.sweep_tombstones(p_older_than interval, p_limit int) returns int language plpgsql
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  r record; v_emails bigint[]; v_count int := 0; v_room int := p_limit;
begin
  for r in select m.account_id, m.mailbox_id, m.deleted_at from mailstore.mailbox m
            where m.deleted_at < now() - p_older_than order by m.account_id limit p_limit
  loop
    perform from mailstore.account_seq s where s.account_id = r.account_id for no key update;
    with gone as (
      delete from mailstore.mailbox_msg m
       where m.account_id = r.account_id and m.mailbox_id = r.mailbox_id
         and m.uid in (select x.uid from mailstore.mailbox_msg x
                        where x.account_id = r.account_id and x.mailbox_id = r.mailbox_id order by x.uid limit v_room)
      returning m.email_id)
    select array_agg(email_id) into v_emails from gone;
    -- Their grace period is over: it counted from the mailbox's deletion.
    insert into mailstore.orphan (account_id, email_id, at)
    select distinct r.account_id, e, r.deleted_at from unnest(v_emails) as e
     where not exists (select from mailstore.mailbox_msg m where m.account_id = r.account_id and m.email_id = e)
    on conflict do nothing;
    v_room := v_room - coalesce(cardinality(v_emails), 0);
    v_count := v_count + coalesce(cardinality(v_emails), 0);
    exit when v_room <= 0;
    delete from mailstore.change c where c.account_id = r.account_id and c.mailbox_id = r.mailbox_id;
    delete from mailstore.mailbox m where m.account_id = r.account_id and m.mailbox_id = r.mailbox_id;
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

create function mailstore.sweep_orphans(p_older_than interval, p_limit int) returns int language plpgsql
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_count int;
begin
  with old as (
    delete from mailstore.orphan o
     where o.ctid = any (array(select x.ctid from mailstore.orphan x where x.at < now() - p_older_than order by x.at limit p_limit))
    returning o.account_id, o.email_id),
  gone as (
    delete from mailstore.email e using old
     where e.account_id = old.account_id and e.email_id = old.email_id
    returning e.email_id)
  select count(*) into v_count from old;
  return v_count;
end $$;

create function mailstore.sweep_former_names(p_older_than interval, p_limit int) returns int language plpgsql as $$
declare
  v_count int;
begin
  delete from mailstore.former_name f
   where f.ctid = any (array(select x.ctid from mailstore.former_name x where x.at < now() - p_older_than limit p_limit));
  get diagnostics v_count = row_count;
  return v_count;
end $$;
create index former_name_at on mailstore.former_name (at);

-- Removes an account: from now on it takes no mail, and its mailboxes are tombstones. Its row stays, so that its id never comes back.
create function mailstore.remove_account(p_account bigint) returns boolean language plpgsql as $$
declare
  v_modseq bigint;
begin
  update mailstore.account_seq s
     set removed_at = now(), modseq = s.modseq + 1, used_bytes = 0, used_messages = 0
   where s.account_id = p_account and s.removed_at is null
  returning s.modseq into v_modseq;
  if not found then return false; end if;
  insert into mailstore.change (account_id, modseq, mailbox_id, kind, uids)
  select p_account, v_modseq, m.mailbox_id, 4, '' from mailstore.mailbox m where m.account_id = p_account and m.deleted_at is null;
  update mailstore.mailbox m set deleted_at = now(), highestmodseq = v_modseq where m.account_id = p_account and m.deleted_at is null;
  delete from mailstore.subscription u where u.account_id = p_account;
  return true;
end $$;

revoke all on all functions in schema mailstore from public;
grant execute on function mailstore.sweep_delivered, mailstore.sweep_changes, mailstore.trim_changes, mailstore.sweep_tombstones,
  mailstore.sweep_orphans, mailstore.sweep_former_names, mailstore.remove_account to waybill_mda;
