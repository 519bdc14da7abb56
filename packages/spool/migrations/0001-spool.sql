-- Schema spool: every message between the commit that made it ours and its last delivery.
-- A message is ours exactly when its rows are here; a queue only says when to look.
create schema spool;

-- The spool's time. Tests shift it by the setting waybill.clock_shift (an interval) of a session,
-- role or database; unset it is the database's clock, the only one that leases are measured by.
create function spool.now() returns timestamptz language sql stable parallel safe
  return now() + coalesce(nullif(current_setting('waybill.clock_shift', true), ''), '0')::interval;

create table spool.msg (
  -- UUIDv7 made by the accepting agent: journey id, and the id of "250 2.0.0 queued as".
  spool_id uuid primary key,
  -- 1 mx, 2 msa, 3 dsn
  origin smallint not null,
  -- '' is the null sender.
  return_path text not null,
  envid text,
  ret text check (ret in ('FULL', 'HDRS')),
  smtputf8 boolean not null,
  -- Who submitted it, and from where: for the tools.
  auth_account text,
  client_info jsonb,
  -- Exactly one of them: the whole message inline, or its key in the blobstore.
  body bytea,
  blob_key text,
  size bigint not null,
  -- Received fields when it came.
  hops smallint not null,
  -- The message that this one reports on or was made from.
  parent_id uuid,
  accepted_at timestamptz not null default spool.now(),
  expires_at timestamptz not null,
  check ((body is null) <> (blob_key is null))
);
-- Bodies go out of line and uncompressed: a claim copies them and looks at none.
alter table spool.msg alter column body set storage external;
create index msg_accepted on spool.msg (accepted_at, spool_id);
create index msg_blob on spool.msg (blob_key) where blob_key is not null;
create index msg_parent on spool.msg (parent_id) where parent_id is not null;

-- One row per recipient. It is inserted with its message in one statement and deleted with it in one
-- statement; a foreign key would lock and probe the message for every one of them.
create table spool.rcpt (
  spool_id uuid not null,
  rcpt_no int not null,
  -- One per message and mailbox: the MDA files a delivery once, however often it is tried.
  delivery_id uuid not null,
  address text not null,
  orcpt text,
  -- Bits of RFC 3461 NOTIFY: 1 never, 2 success, 4 failure, 8 delay; 0 not given.
  notify smallint not null,
  -- 'local/<slot>' or the domain; the next hop is found at each attempt.
  destination text not null,
  account_id bigint,
  -- 0 queued, 1 leased, 2 delivered, 3 returned (reported, or closed where no report is due), 5 held, 6 discarded by an operator
  state smallint not null default 0,
  attempts smallint not null default 0,
  next_at timestamptz not null default spool.now(),
  -- The lease: whoever shows its epoch and its token, and nobody else, may close or requeue the row.
  -- The epoch counts claims; the token is drawn at random, because a crash may give an epoch out twice.
  epoch int not null default 0,
  token uuid,
  lease_owner text,
  lease_until timestamptz,
  -- An attempt ended without an answer: the recipient may have it.
  unknown_outcome boolean not null default false,
  -- The last reply: code (`250`, or `550 5.1.1`), text, and who gave it.
  last_code text,
  last_text text,
  last_peer text,
  primary key (spool_id, rcpt_no)
) with (
  fillfactor = 70,
  -- A queue's rows live for a second: what they leave must go before it slows the next claim.
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0
);
create index rcpt_due on spool.rcpt (destination, next_at) where state = 0;
create index rcpt_next on spool.rcpt (next_at) where state = 0;
create index rcpt_lease on spool.rcpt (lease_until) where state = 1;

-- Which of these messages are ours: asked by an agent whose connection died during its commit.
create function spool.has(ids uuid[]) returns setof uuid
  language sql stable security definer set search_path = pg_catalog
  as $$ select m.spool_id from spool.msg m where m.spool_id = any (ids) $$;

-- Which of these bodies the spool still refers to: asked by the mda's sweeper, which may see nothing else here.
create function spool.references_blob(keys text[]) returns setof text
  language sql stable security definer set search_path = pg_catalog
  as $$ select distinct m.blob_key from spool.msg m where m.blob_key = any (keys) $$;

revoke all on function spool.has(uuid[]), spool.references_blob(text[]) from public;
grant usage on schema spool to waybill_msa, waybill_mx, waybill_mta, waybill_mda, waybill_operator;

-- msa and mx hand messages in and see nothing of them afterwards.
grant insert (spool_id, origin, return_path, envid, ret, smtputf8, auth_account, client_info, body, blob_key, size, hops, parent_id, expires_at)
  on spool.msg to waybill_msa, waybill_mx;
grant insert (spool_id, rcpt_no, delivery_id, address, orcpt, notify, destination, account_id)
  on spool.rcpt to waybill_msa, waybill_mx;
grant execute on function spool.has(uuid[]) to waybill_msa, waybill_mx, waybill_mta;
-- mta carries them.
grant select, insert, update, delete on spool.msg, spool.rcpt to waybill_mta;
-- mda only asks which bodies are in use.
grant execute on function spool.references_blob(text[]) to waybill_mda;
-- The tools look.
grant select on spool.msg, spool.rcpt to waybill_operator;
