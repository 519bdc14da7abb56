-- Schema blobstore: bodies too large to lie inline, stored once under the digest of their bytes.
-- The spool and the mailstore refer to them by key; nothing counts references. A body that nobody
-- refers to any more goes when its grace period, counted from the last put, has passed.
create schema blobstore;

create table blobstore.blob (
  -- SHA-256 of the bytes, base64url.
  key text primary key,
  size bigint not null,
  -- Renewed by every put. The sweeper spares what was touched within the grace period: its referrer may not have committed yet.
  touched_at timestamptz not null default now()
);
create index blob_touched on blobstore.blob (touched_at);

create table blobstore.chunk (
  key text not null,
  -- Chunks of 256 KiB, the first is 0; all are full but the last.
  no int not null,
  data bytea not null,
  primary key (key, no)
);
-- Mail is compressed badly and read in ranges: no compression, so that a range is a seek.
alter table blobstore.chunk alter column data set storage external;

-- Everyone who writes or reads mail may put, touch and get. Only the mda deletes.
grant usage on schema blobstore to waybill_msa, waybill_mx, waybill_mta, waybill_mda, waybill_mra, waybill_operator;
grant select, insert on blobstore.blob, blobstore.chunk to waybill_msa, waybill_mx, waybill_mta, waybill_mda, waybill_mra;
grant update (touched_at) on blobstore.blob to waybill_msa, waybill_mx, waybill_mta, waybill_mda, waybill_mra;
grant delete on blobstore.blob, blobstore.chunk to waybill_mda;
-- Locking a row before deleting it asks for the right to update it; touched_at suffices.
grant select on blobstore.blob to waybill_operator;
