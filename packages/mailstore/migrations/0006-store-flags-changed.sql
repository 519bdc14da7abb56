-- A reader that is not the latest must know whether a STORE changed anything: else it takes another's MODSEQ for its own.
drop function mailstore.store_flags(bigint, int, bigint[], text, int, text[]);

-- Marks messages. Rows whose marks stay as they were keep their MODSEQ. Answers the present rows of all UIDs asked.
-- `changed` tells whether it did anything: if not, the MODSEQ is that of somebody else's change, which a reader must not take for its own.
create function mailstore.store_flags(
  p_account bigint, p_mailbox int, p_uids bigint[], p_mode text, p_flags int, p_keywords text[])
returns table (
  refusal text, modseq bigint, changed boolean,
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
    return query select v_refusal, null::bigint, null::boolean, null::text, null::text, null::text, null::text, null::text, null::text, null::text, null::json;
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
  return query select null::text, v_modseq, v_uids is not null, p.* from mailstore.pack(p_account, p_mailbox, p_uids) p;
end $$;

revoke all on function mailstore.store_flags from public;
grant execute on function mailstore.store_flags to waybill_mra;
