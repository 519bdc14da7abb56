-- Schema signing: what vouches for mail of ours. auth makes keys and never reads their private halves;
-- only mta, which signs, can.
create schema signing;
grant usage on schema signing to waybill_auth, waybill_mta, waybill_operator;

-- One row per DKIM key of a domain, from its making until long after its record may leave DNS.
create table signing.dkim_key (
  -- A-label form, lower case: a domain of the directory.
  domain text not null,
  -- RFC 6376 §3.1; never used twice for a domain, or caches would hold another key under it.
  selector text not null,
  algorithm text not null check (algorithm in ('rsa-sha256', 'ed25519-sha256')),
  -- The p= of the record: RSA as SubjectPublicKeyInfo (RFC 6376 §3.6.1), Ed25519 as 32 octets (RFC 8463 §4); base64.
  public_key text not null,
  -- PKCS #8, PEM. Null once retired: it is erased.
  private_key text,
  -- pending: its record is to be published and waited for. active: signs. retiring: signs no more, its
  -- record stays for mail under way. retired: over.
  state text not null check (state in ('pending', 'active', 'retiring', 'retired')),
  made_at timestamptz not null default now(),
  -- Pending: when some mta last looked for the record, and since when it found it each time it looked.
  looked_at timestamptz,
  seen_at timestamptz,
  activated_at timestamptz,
  retiring_at timestamptz,
  retired_at timestamptz,
  primary key (domain, selector),
  check ((private_key is null) = (state = 'retired'))
);
-- One key of each kind signs, and one waits.
create unique index dkim_key_active on signing.dkim_key (domain, algorithm) where state = 'active';
create unique index dkim_key_pending on signing.dkim_key (domain, algorithm) where state = 'pending';
create index dkim_key_turning on signing.dkim_key (state) where state in ('pending', 'retiring');

grant select (domain, selector, algorithm, public_key, state, made_at, looked_at, seen_at, activated_at, retiring_at, retired_at)
  on signing.dkim_key to waybill_auth, waybill_operator;
grant insert (domain, selector, algorithm, public_key, private_key, state, activated_at) on signing.dkim_key to waybill_auth;
-- It erases private halves with their domain.
grant update (state, private_key, activated_at, retiring_at, retired_at) on signing.dkim_key to waybill_auth;
grant delete on signing.dkim_key to waybill_auth;
grant select on signing.dkim_key to waybill_mta;
grant update (state, private_key, looked_at, seen_at, activated_at, retiring_at, retired_at) on signing.dkim_key to waybill_mta;

-- A pending key signs from now on, and the one of its kind before it no more. A record must have been seen for
-- so long; null asks for no sight. False: it was moved by another, or its time has not come.
create function signing.activate(of_domain text, of_selector text, of_algorithm text, settled interval)
returns boolean language plpgsql as $$
begin
  perform from signing.dkim_key
    where domain = of_domain and selector = of_selector and state = 'pending'
      and (settled is null or seen_at <= now() - settled) for update;
  if not found then return false; end if;
  update signing.dkim_key set state = 'retiring', retiring_at = now()
    where domain = of_domain and algorithm = of_algorithm and state = 'active';
  update signing.dkim_key set state = 'active', activated_at = now()
    where domain = of_domain and selector = of_selector;
  return true;
end $$;
revoke all on function signing.activate from public;
grant execute on function signing.activate to waybill_auth, waybill_mta;

-- One row per secret that return paths of forwarded mail are sealed with; the newest that has had time to
-- become known seals, all open.
create table signing.srs_secret (
  id int primary key,
  secret bytea not null check (length(secret) = 32),
  made_at timestamptz not null default now()
);
grant select, insert, delete on signing.srs_secret to waybill_auth;

-- One row per return path that is too long to be written into the local part of another one.
create table signing.srs_long (
  token text primary key,
  sender text not null,
  used_at timestamptz not null default now()
);
create index srs_long_used on signing.srs_long (used_at);
grant select, insert, delete on signing.srs_long to waybill_auth;
grant update (used_at) on signing.srs_long to waybill_auth;
