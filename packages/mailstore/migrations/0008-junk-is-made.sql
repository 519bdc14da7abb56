-- Junk that has no mailbox to go to gets one: the user deleted it.
-- A mailbox of that name without a use becomes the one.
create function mailstore.ensure_junk(p_accounts bigint[]) returns void language plpgsql as $$
declare
  v_account bigint;
begin
  -- In the order in which deliveries lock accounts.
  for v_account in select a from unnest(p_accounts) a group by a order by a loop
    perform from mailstore.account_seq s where s.account_id = v_account for no key update;
    if exists (select from mailstore.mailbox m
                where m.account_id = v_account and m.special_use = '\Junk' and m.deleted_at is null) then
      continue;
    end if;
    if mailstore.create_mailbox(v_account, array['Junk'], '\Junk') = 'already-exists' then
      update mailstore.mailbox m set special_use = '\Junk'
       where m.account_id = v_account and m.name = 'Junk' and m.special_use is null and m.deleted_at is null;
    end if;
    insert into mailstore.subscription (account_id, name) values (v_account, 'Junk') on conflict do nothing;
  end loop;
end $$;

revoke all on function mailstore.ensure_junk(bigint[]) from public;
grant execute on function mailstore.ensure_junk, mailstore.create_mailbox, mailstore.make_mailboxes to waybill_mda;
