-- After a restore from a backup: what was filed after the backup is gone, and clients may have seen it. Every counter
-- leaps ahead, so that no UID, id, MODSEQ or UIDVALIDITY that somebody knows is given out again for something else.
-- The change log before the leap tells nobody anything any more. Answers how many accounts there are. RFC 3501 §2.3.1.1
create function mailstore.after_restore() returns bigint language plpgsql as $$
declare
  v_accounts bigint;
begin
  update mailstore.account_seq s
     set modseq = s.modseq + 1000000000, horizon = s.modseq + 1000000000, next_email = s.next_email + 1000000000,
         next_mailbox = s.next_mailbox + 10000,
         next_uidvalidity = greatest(s.next_uidvalidity + 10000, extract(epoch from now())::bigint);
  get diagnostics v_accounts = row_count;
  update mailstore.mailbox m set uidnext = m.uidnext + 1000000;
  return v_accounts;
end $$;

-- The owner's alone: no agent may.
revoke all on function mailstore.after_restore() from public;
