-- Schema mailstore: mailboxes and the messages in them, written by mda (deliveries) and mra (the reader's hand).
-- Every write locks the account's row in account_seq first and holds it to the commit. So what an
-- account's writers do has one order, and whoever sees MODSEQ n sees everything up to n.
-- account_id leads every key; there is no sequence, so the schema can be spread by account.
create schema mailstore;

-- One row per account: its lock, its counters, its limits. Made at first use from what auth said.
-- The row outlives the account (removed_at), so that no id is given out twice.
create table mailstore.account_seq (
  account_id bigint primary key,
  -- Last MODSEQ handed out. A transaction takes one.
  modseq bigint not null default 1,
  -- The change log is complete for MODSEQs above this.
  horizon bigint not null default 0,
  next_email bigint not null default 1,
  next_mailbox int not null,
  -- Starts at the time of creation in seconds: rises also when a store is made anew. RFC 3501 §2.3.1.1
  next_uidvalidity bigint not null,
  -- Sums over the messages of living mailboxes; a copy counts again.
  used_bytes bigint not null default 0,
  used_messages bigint not null default 0,
  -- 0 is unlimited.
  quota_bytes bigint not null,
  quota_messages bigint not null,
  created_at timestamptz not null default now(),
  removed_at timestamptz
) with (fillfactor = 50);

-- Mailboxes. Mailbox 1 is INBOX in every account. A deleted one is a tombstone until the sweeper's grace is over.
create table mailstore.mailbox (
  account_id bigint not null,
  mailbox_id int not null,
  -- Full name, '/' between levels; every parent exists.
  name text collate "C" not null,
  special_use text,
  uidvalidity bigint not null,
  uidnext bigint not null default 1,
  highestmodseq bigint not null default 1,
  -- UIDs from here on have not been announced as \Recent to any session.
  recent_from bigint not null default 1,
  messages int not null default 0,
  unseen int not null default 0,
  bytes bigint not null default 0,
  deleted_at timestamptz,
  primary key (account_id, mailbox_id)
) with (fillfactor = 50);
create unique index mailbox_name on mailstore.mailbox (account_id, name) where deleted_at is null;
create index mailbox_tombstone on mailstore.mailbox (deleted_at) where deleted_at is not null;

-- The highest UIDVALIDITY that a name has had, once its mailbox was deleted or renamed away.
create table mailstore.former_name (
  account_id bigint not null,
  name text collate "C" not null,
  uidvalidity bigint not null,
  at timestamptz not null default now(),
  primary key (account_id, name)
);

-- Names that LSUB lists: they may outlive their mailboxes. RFC 3501 §6.3.9
create table mailstore.subscription (
  account_id bigint not null,
  name text collate "C" not null,
  primary key (account_id, name)
);

-- A message's octets and their summary. Never updated. Mailboxes refer to it; what none refers to is an orphan.
create table mailstore.email (
  account_id bigint not null,
  email_id bigint not null,
  -- Octets of prefix and body together.
  size int not null,
  internal_date timestamptz not null,
  sent_at timestamptz,
  prefix bytea not null,
  -- Exactly one of them: the body inline, or its key in the blobstore.
  body bytea,
  blob_key text,
  summary bytea not null,
  primary key (account_id, email_id),
  check ((body is null) <> (blob_key is null))
);
alter table mailstore.email alter column body set storage external;
create index email_blob on mailstore.email (blob_key) where blob_key is not null;

-- A message in a mailbox, with what the reader marked on it. Size and date stand here too (they never
-- change), so that opening a mailbox reads this table alone. No index on flags or modseq: marking stays in the page.
create table mailstore.mailbox_msg (
  account_id bigint not null,
  uid bigint not null,
  email_id bigint not null,
  -- The last change, and the arrival, of this row.
  modseq bigint not null,
  created_modseq bigint not null,
  internal_date timestamptz not null,
  mailbox_id int not null,
  size int not null,
  -- 1 seen, 2 answered, 4 flagged, 8 deleted, 16 draft
  flags smallint not null default 0,
  -- Null for none.
  keywords text[],
  primary key (account_id, mailbox_id, uid)
) with (fillfactor = 80);
create index mailbox_msg_email on mailstore.mailbox_msg (account_id, email_id);

-- What happened: one row per transaction, mailbox and kind. Readers follow it.
create table mailstore.change (
  account_id bigint not null,
  modseq bigint not null,
  -- 0 where the change is the account's (subscriptions).
  mailbox_id int not null,
  -- 1 added, 2 flags, 3 expunged, 4 mailbox created, renamed or deleted, 5 subscriptions
  kind smallint not null,
  -- The UIDs as an IMAP set, e.g. 3:9,14; empty for kinds 4 and 5.
  uids text not null,
  at timestamptz not null default now(),
  primary key (account_id, mailbox_id, modseq, kind)
);
create index change_at on mailstore.change (at);

-- Deliveries already filed: the same id again is answered, not filed. Kept longer than any queue holds a message.
create table mailstore.delivered (
  account_id bigint not null,
  delivery_id uuid not null,
  at timestamptz not null default now(),
  primary key (account_id, delivery_id)
);
create index delivered_at on mailstore.delivered (at);

-- Messages that no mailbox refers to any more, kept for a grace period before the sweeper deletes them.
create table mailstore.orphan (
  account_id bigint not null,
  email_id bigint not null,
  at timestamptz not null default now(),
  primary key (account_id, email_id)
);
create index orphan_at on mailstore.orphan (at);

-- Which of these bodies a message still refers to: asked by the sweeper of bodies.
create function mailstore.references_blob(keys text[]) returns setof text
  language sql stable
  as $$ select distinct e.blob_key from mailstore.email e where e.blob_key = any (keys) $$;

grant usage on schema mailstore to waybill_mda, waybill_mra;
-- mda files and sweeps.
grant select, insert, update, delete on all tables in schema mailstore to waybill_mda;
-- mra reads and organises. It never deletes a message's octets and knows nothing of deliveries.
grant select, insert, update on mailstore.account_seq, mailstore.mailbox, mailstore.former_name to waybill_mra;
grant select, insert, update, delete on mailstore.mailbox_msg to waybill_mra;
grant select, insert, delete on mailstore.subscription to waybill_mra;
grant select, insert on mailstore.email, mailstore.change, mailstore.orphan to waybill_mra;
revoke all on function mailstore.references_blob(text[]) from public;
grant execute on function mailstore.references_blob(text[]) to waybill_mda;
