-- How owners prove who they are besides a password, what they may send as and how much, and who is not heard.

-- What every replica of auth must know alike: made once, by whichever asks first. Grant: waybill_auth select, insert.
create table directory.secret (
  name text primary key,
  value bytea not null check (length(value) >= 32)
);

-- SCRAM keys (RFC 5802 §3) of the same password as `phc`; null until it was seen in clear. A change
-- of `phc` changes `version`, and keys belong to the version that they were made of.
alter table directory.credential
  add column scram_salt bytea,
  add column scram_iterations int,
  add column scram_stored_key bytea,
  add column scram_server_key bytea,
  -- The version that the keys were made of: writers of the version before leave it behind.
  add column scram_version bigint,
  -- To the minute, written some time later.
  add column last_used_at timestamptz;

-- One row per app password: made here, of 120 random bits, so that one SHA-256 keeps it well.
-- Grant: waybill_auth all.
create table directory.app_password (
  account_id bigint not null references directory.account (id),
  label text not null check (length(label) between 1 and 64),
  digest bytea not null check (length(digest) = 32),
  -- What it is good for: any of smtp, imap, pop3.
  scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['smtp', 'imap', 'pop3']),
  version bigint not null default nextval('directory.credential_version'),
  scram_salt bytea not null,
  scram_iterations int not null,
  scram_stored_key bytea not null,
  scram_server_key bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  last_used_at timestamptz,
  primary key (account_id, label)
);

-- What an account may send as beside its own addresses. Grant: waybill_auth all.
create table directory.sender_grant (
  account_id bigint not null references directory.account (id),
  -- `local@domain`, or `@domain` for all of a domain; normalised like addresses, ours or not.
  sender text not null check (length(sender) between 2 and 320),
  primary key (account_id, sender)
);
create index sender_grant_by_sender on directory.sender_grant (sender);

-- Networks (an address, or the /64 of an IPv6 one) from which an account logged in. Grant: waybill_auth all.
create table directory.known_network (
  account_id bigint not null references directory.account (id),
  network cidr not null,
  -- To the day.
  seen_at timestamptz not null default clock_timestamp(),
  primary key (account_id, network)
);
create index known_network_by_network on directory.known_network (network);

-- Networks that are not heard. A row stays after its end, so that who comes again is banned for longer.
-- Grant: waybill_auth all.
create table directory.ban (
  network cidr primary key,
  reason text not null,
  -- 'operator', or the agent that found the reason.
  found_by text not null,
  -- Null: for good.
  until timestamptz,
  -- How often it was banned by an agent.
  times int not null default 1,
  created_at timestamptz not null default clock_timestamp()
);

-- What an account may send, where that differs from the service's settings. 0: unlimited. And whether
-- it is held: it gets mail and logs in, but sends nothing.
alter table directory.account
  add column messages_per_hour int,
  add column messages_per_day int,
  add column recipients_per_hour int,
  add column recipients_per_day int,
  add column held_at timestamptz,
  add column held_reason text;

-- What an account sent lately: one row per account that sends. Counts stand in slots, those of the hour
-- of five minutes each, those of the day of an hour each; the first slot is the newest, and `hour_slot`
-- and `day_slot` are its number since 1970. Grant: waybill_auth all.
create table directory.sent (
  account_id bigint primary key references directory.account (id),
  hour_slot bigint not null default 0,
  hour_messages int[] not null default array_fill(0, array[13]),
  hour_recipients int[] not null default array_fill(0, array[13]),
  day_slot bigint not null default 0,
  day_messages int[] not null default array_fill(0, array[25]),
  day_recipients int[] not null default array_fill(0, array[25]),
  -- Refusals of the hour, in its slots.
  hour_refusals int[] not null default array_fill(0, array[13]),
  -- The sums of the slots: while no slot is over, one look at them is enough.
  hour_messages_sum int not null default 0,
  hour_recipients_sum int not null default 0,
  day_messages_sum int not null default 0,
  day_recipients_sum int not null default 0
) with (fillfactor = 50);

-- What mx does with mail that fails DMARC, where that differs from mx's settings.
alter table directory.domain
  add column on_reject text check (on_reject in ('reject', 'junk', 'accept')),
  add column on_quarantine text check (on_quarantine in ('reject', 'junk', 'accept'));

-- Slots moved to a newer first slot: what fell out at the end is forgotten.
create function directory.shift_slots(slots int[], steps bigint) returns int[]
language plpgsql immutable as $$
begin
  if steps <= 0 then return slots; end if;
  if steps >= cardinality(slots) then return array_fill(0, array[cardinality(slots)]); end if;
  return array_fill(0, array[steps::int]) || slots[1 : cardinality(slots) - steps::int];
end
$$;

-- Seconds until `wanted` more fit below `most` (0: no limit) as old slots go; 0: they fit now.
create function directory.slots_wait(slots int[], most int, wanted int, slot bigint, width int, moment bigint) returns bigint
language plpgsql immutable as $$
declare
  excess bigint := 0;
  oldest int;
begin
  if most = 0 then return 0; end if;
  select coalesce(sum(n), 0) + wanted - most into excess from unnest(slots) n;
  if excess <= 0 then return 0; end if;
  oldest := cardinality(slots);
  while oldest > 0 loop
    excess := excess - slots[oldest];
    -- The slot `oldest` is outside when that many newer ones have begun.
    if excess <= 0 then return (slot + cardinality(slots) - oldest + 1) * width - moment; end if;
    oldest := oldest - 1;
  end loop;
  -- More than the limit in one message: never.
  return cardinality(slots)::bigint * width;
end
$$;

-- Counts messages against the limits of their accounts, many at a time, in the order given: exactly,
-- whoever else counts at the same time, since each account's row is locked. An account that is refused
-- `hold_after` times within an hour (0: never) is held from then on.
-- Answers: 'ok'; 'held'; 'gone' (no active account); else the limit that is reached, and the seconds until there is room.
create function directory.spend(
  accounts bigint[], recipients int[],
  default_messages_hour int, default_messages_day int, default_recipients_hour int, default_recipients_day int,
  hold_after int
) returns table (item int, outcome text, most int, wait bigint, held_now boolean)
language plpgsql as $$
declare
  moment bigint := floor(extract(epoch from clock_timestamp()));
  this_hour bigint := moment / 300;
  this_day bigint := moment / 3600;
  one record;
  a record;
  s directory.sent%rowtype;
  waits bigint[];
  limits int[];
  worst int;
begin
  -- One order for everybody, or two replicas would wait for each other.
  for one in
    select w.account, w.n, w.ord::int as ord
    from unnest(accounts, recipients) with ordinality as w (account, n, ord)
    order by w.account, w.ord
  loop
    item := one.ord;
    most := 0;
    wait := 0;
    held_now := false;
    select c.held_at, c.messages_per_hour, c.messages_per_day, c.recipients_per_hour, c.recipients_per_day into a
      from directory.account c where c.id = one.account and c.state = 'active';
    if not found then
      outcome := 'gone';
      return next;
      continue;
    end if;
    if a.held_at is not null then
      outcome := 'held';
      return next;
      continue;
    end if;
    select * into s from directory.sent where account_id = one.account for update;
    if not found then
      insert into directory.sent (account_id) values (one.account) on conflict do nothing;
      select * into s from directory.sent where account_id = one.account for update;
    end if;
    -- Another clock may be ahead of this moment: nothing moves back.
    s.hour_messages := directory.shift_slots(s.hour_messages, this_hour - s.hour_slot);
    s.hour_recipients := directory.shift_slots(s.hour_recipients, this_hour - s.hour_slot);
    s.hour_refusals := directory.shift_slots(s.hour_refusals, this_hour - s.hour_slot);
    s.hour_slot := greatest(s.hour_slot, this_hour);
    s.day_messages := directory.shift_slots(s.day_messages, this_day - s.day_slot);
    s.day_recipients := directory.shift_slots(s.day_recipients, this_day - s.day_slot);
    s.day_slot := greatest(s.day_slot, this_day);
    limits := array[
      coalesce(a.messages_per_hour, default_messages_hour), coalesce(a.messages_per_day, default_messages_day),
      coalesce(a.recipients_per_hour, default_recipients_hour), coalesce(a.recipients_per_day, default_recipients_day)];
    waits := array[
      directory.slots_wait(s.hour_messages, limits[1], 1, s.hour_slot, 300, moment),
      directory.slots_wait(s.day_messages, limits[2], 1, s.day_slot, 3600, moment),
      directory.slots_wait(s.hour_recipients, limits[3], one.n, s.hour_slot, 300, moment),
      directory.slots_wait(s.day_recipients, limits[4], one.n, s.day_slot, 3600, moment)];
    worst := 1;
    for i in 2..4 loop
      if waits[i] > waits[worst] then worst := i; end if;
    end loop;
    if waits[worst] = 0 then
      outcome := 'ok';
      s.hour_messages[1] := s.hour_messages[1] + 1;
      s.hour_recipients[1] := s.hour_recipients[1] + one.n;
      s.day_messages[1] := s.day_messages[1] + 1;
      s.day_recipients[1] := s.day_recipients[1] + one.n;
    else
      outcome := (array['messages per hour', 'messages per day', 'recipients per hour', 'recipients per day'])[worst];
      most := limits[worst];
      wait := waits[worst];
      s.hour_refusals[1] := s.hour_refusals[1] + 1;
      if hold_after > 0 and (select sum(n) from unnest(s.hour_refusals) n) >= hold_after then
        update directory.account set held_at = clock_timestamp(),
          held_reason = format('sent on for %s messages beyond its limit of %s %s', hold_after, most, outcome)
          where id = one.account;
        s.hour_refusals := array_fill(0, array[13]);
        held_now := true;
      end if;
    end if;
    update directory.sent set hour_slot = s.hour_slot, hour_messages = s.hour_messages,
      hour_recipients = s.hour_recipients, hour_refusals = s.hour_refusals, day_slot = s.day_slot,
      day_messages = s.day_messages, day_recipients = s.day_recipients,
      hour_messages_sum = (select sum(n) from unnest(s.hour_messages) n),
      hour_recipients_sum = (select sum(n) from unnest(s.hour_recipients) n),
      day_messages_sum = (select sum(n) from unnest(s.day_messages) n),
      day_recipients_sum = (select sum(n) from unnest(s.day_recipients) n)
      where account_id = one.account;
    return next;
  end loop;
end
$$;

revoke all on function directory.spend(bigint[], int[], int, int, int, int, int) from public;
grant execute on function directory.spend(bigint[], int[], int, int, int, int, int) to waybill_auth;
grant select, insert on directory.secret to waybill_auth;
grant select, insert, update, delete on
  directory.app_password, directory.sender_grant, directory.known_network, directory.ban, directory.sent
  to waybill_auth;
