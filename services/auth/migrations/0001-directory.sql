-- The directory: which domains and addresses are ours, who owns them, and how owners prove it.
-- Only auth reads and writes here; every other agent asks auth. What is not in these tables is not
-- ours, whatever the host is called.
create schema directory;
grant usage on schema directory to waybill_auth;

-- One row per domain of ours. Grant: waybill_auth all.
create table directory.domain (
  -- A-label form, lower case, without a trailing dot.
  name text primary key check (name = lower(name) and length(name) between 1 and 255),
  -- 'local': filed by our mda. 'mx': travels to the domain's MX. 'lmtp://host:port': another MDA.
  route text not null check (route in ('local', 'mx') or route like 'lmtp://%'),
  -- 'listed': an address that has no row here does not exist. 'any': the route's end decides.
  recipients text not null default 'listed' check (recipients in ('listed', 'any')),
  created_at timestamptz not null default clock_timestamp()
);
-- The oldest domain is the one that a bare <postmaster> means.
create index domain_by_age on directory.domain (created_at, name);

-- One row per account that is or ever was. Ids are never given twice: a removed account stays as a
-- tombstone, so that its id cannot come to mean somebody else. Grant: waybill_auth all.
create table directory.account (
  id bigint generated always as identity primary key,
  -- active; suspended: gets mail but can neither log in nor send; removed: a tombstone.
  state text not null default 'active' check (state in ('active', 'suspended', 'removed')),
  -- The primary address. No foreign key: a tombstone outlives its domain.
  domain text not null,
  local text not null,
  -- 0: unlimited. Null: the default of the service's settings.
  quota_bytes bigint check (quota_bytes >= 0),
  quota_messages bigint check (quota_messages >= 0),
  created_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz
);
-- The oldest active account of a domain, who gets postmaster's mail when nobody else does.
create index account_by_domain on directory.account (domain, id) where state = 'active';
create index account_active on directory.account (id) where state = 'active';

-- One row per address of ours: an account's (account_id is set) or an alias (it is null). One table,
-- so that no address can be both. Grant: waybill_auth all.
create table directory.address (
  domain text not null references directory.domain (name),
  -- Without quoting, Unicode NFC, lower case: local parts are compared without regard to case.
  local text not null check (length(local) between 1 and 64),
  account_id bigint references directory.account (id),
  primary key (domain, local)
);
create index address_by_account on directory.address (account_id);

-- One row per target of an alias: any address, ours or not, itself an alias or not.
-- Grant: waybill_auth all.
create table directory.alias_target (
  domain text not null,
  local text not null,
  target text not null,
  primary key (domain, local, target),
  foreign key (domain, local) references directory.address (domain, local) on delete cascade
);

-- Versions are never given twice either: what was remembered about an older password of the same
-- label can then never match a newer one.
create sequence directory.credential_version;

-- One row per password of an account; any of them opens it. Grant: waybill_auth all.
create table directory.credential (
  account_id bigint not null references directory.account (id),
  -- 'password' is the main one; others are app passwords.
  label text not null check (length(label) between 1 and 64),
  -- A PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$hash
  phc text not null,
  version bigint not null default nextval('directory.credential_version'),
  created_at timestamptz not null default clock_timestamp(),
  primary key (account_id, label)
);

grant select, insert, update, delete on
  directory.domain, directory.account, directory.address, directory.alias_target, directory.credential
  to waybill_auth;
grant usage on sequence directory.credential_version to waybill_auth;
