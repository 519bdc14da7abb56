-- Schema journey: what the agents saw, in the order they saw it. Append-only, best effort, never a
-- source of truth: custody is proved by the spool and the mailstore.
create schema journey;

create table journey.event (
  at timestamptz not null,
  -- Counts up in each recorder: orders what fell into one millisecond, and names an event written twice.
  seq bigint not null,
  agent text not null,
  instance text not null,
  -- The spool id; null only for refusals before a message existed.
  journey_id uuid,
  kind text not null,
  status text not null,
  session_id text,
  recipient text,
  sender text,
  message_id text,
  code int,
  enhanced text,
  summary text not null,
  peer_host text,
  peer_address text,
  tls text,
  -- The id that the next hop answered with: joins two journeys.
  next_id text,
  took_ms real,
  data jsonb
) partition by range (at);
create index event_journey on journey.event (journey_id, at) where journey_id is not null;
create index event_next on journey.event (next_id) where next_id is not null;
create index event_message on journey.event (message_id) where message_id is not null;
create index event_recipient on journey.event (lower(recipient), at) where recipient is not null;
create index event_sender on journey.event (lower(sender), at) where sender is not null;
-- What no day holds yet: nothing is lost when the maker of days is late.
create table journey.event_default partition of journey.event default;

create table journey.transcript (
  at timestamptz not null,
  agent text not null,
  instance text not null,
  session_id text not null,
  journey_id uuid,
  -- Bounded and redacted by the agent.
  text text not null
) partition by range (at);
create index transcript_journey on journey.transcript (journey_id) where journey_id is not null;
create index transcript_session on journey.transcript (session_id);
create table journey.transcript_default partition of journey.transcript default;

-- Makes one table's day, moving what the default partition caught of it. Does nothing when it is there.
create function journey.make_day(parent text, day date) returns void
  language plpgsql set search_path = pg_catalog as $$
declare
  part text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
  low timestamptz := day::timestamp at time zone 'UTC';
  high timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
  if to_regclass(format('journey.%I', part)) is not null then return; end if;
  execute format('create table journey.%I (like journey.%I including all)', part, parent);
  execute format('lock table journey.%I in access exclusive mode', parent || '_default');
  execute format('with moved as (delete from journey.%I where at >= %L and at < %L returning *) insert into journey.%I select * from moved',
                 parent || '_default', low, high, part);
  execute format('alter table journey.%I attach partition journey.%I for values from (%L) to (%L)', parent, part, low, high);
end $$;

-- Makes the days ahead and drops those behind: called by the mta's sweeper, which owns nothing here.
-- Days are in UTC. Answers how many days of either table it made and dropped.
create function journey.maintain(event_days int default 30, transcript_days int default 7, today date default null)
  returns table (made int, dropped int)
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  base date := coalesce(today, (now() at time zone 'UTC')::date);
  parent text;
  keep int;
  part record;
begin
  made := 0;
  dropped := 0;
  -- One at a time; who comes second has nothing to do.
  if not pg_try_advisory_xact_lock(hashtext('journey.maintain')) then return next; return; end if;
  foreach parent in array array['event', 'transcript'] loop
    keep := greatest(1, case parent when 'event' then event_days else transcript_days end);
    for ahead in 0..3 loop
      if to_regclass(format('journey.%I', parent || '_' || to_char(base + ahead, 'YYYYMMDD'))) is null then
        perform journey.make_day(parent, base + ahead);
        made := made + 1;
      end if;
    end loop;
    for part in
      select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = format('journey.%I', parent)::regclass
         and c.relname ~ ('^' || parent || '_[0-9]{8}$')
         and to_date(right(c.relname, 8), 'YYYYMMDD') < base - keep
    loop
      execute format('drop table journey.%I', part.relname);
      dropped := dropped + 1;
    end loop;
    execute format('delete from journey.%I where at < %L', parent || '_default', (base - keep)::timestamp at time zone 'UTC');
  end loop;
  return next;
end $$;

select journey.maintain();

revoke all on function journey.make_day(text, date), journey.maintain(int, int, date) from public;
grant usage on schema journey to waybill_msa, waybill_mx, waybill_mta, waybill_mda, waybill_mra, waybill_auth, waybill_operator;
-- Every agent writes; none reads. The tools read.
grant insert on journey.event, journey.transcript to waybill_msa, waybill_mx, waybill_mta, waybill_mda, waybill_mra, waybill_auth;
grant select on journey.event, journey.transcript to waybill_operator;
grant execute on function journey.maintain(int, int, date) to waybill_mta;
