import { openAuthClient, readCredentials } from '@waybill/auth-client';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import type { Context, Service } from '@waybill/daemon';
import { Lab, Resolver } from '@waybill/dns';
import { journeySchema, maintainJourney, openJourney } from '@waybill/journey';
import { checkRevisions, openPool } from '@waybill/postgres';
import { signingSchema } from '@waybill/signing';
import { openKicker, openSpoolUpkeep, openSpoolWork, spoolSchema, startKickWorker } from '@waybill/spool';
import type { MtaSettings } from './config.ts';
import { doorFromSettings, hopCredentials } from './door/open.ts';
import { openEvents } from './events.ts';
import { parseRelay } from './route/relay.ts';
import { rotate } from './sign/rotation.ts';
import { SigningKeys } from './sign/signing-keys.ts';
import { Agent } from './work/agent.ts';
import { queueFigures } from './queue-figures.ts';
import { Reconciler } from './work/reconcile.ts';
import { parseSchedule } from './work/schedule.ts';

/** Puts mta together: spool, kicks, auth, DNS, the conversations, the loops that need no kick. */
export async function start(context: Context<typeof MtaSettings>): Promise<Service> {
  const { config, log, metrics, hostname, instance } = context;
  const schedule = parseSchedule(config.WAYBILL_RETRY_SCHEDULE);
  const relay = config.WAYBILL_RELAY_URL === undefined ? undefined : parseRelay(config.WAYBILL_RELAY_URL);
  const lab = new Lab({
    on: config.WAYBILL_LAB,
    allow: config.WAYBILL_LAB_ALLOW_ADDRESSES,
    intranet: config.WAYBILL_ALLOW_ADDRESSES,
    ports: config.WAYBILL_LAB_PORT_MAP,
  });
  const servers = config.WAYBILL_DNS_SERVERS.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const nameservers = servers.length === 0 ? {} : { servers };
  const resolver = new Resolver(nameservers);
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(
    openPool(config.WAYBILL_DATABASE_URL, { size: config.WAYBILL_DATABASE_POOL, name: 'waybill-mta' }),
    (open) => open.end(),
  );
  await context.waitFor('the spool in Postgres', () =>
    checkRevisions(pool, [spoolSchema, blobstoreSchema, journeySchema, signingSchema]),
  );
  metrics.databasePool(pool);
  const lost = metrics.counter('journey_events_lost', 'Events of journeys that could not be kept');
  const journey = stack.adopt(
    openJourney(pool, { agent: 'mta', instance, onDrop: (count) => lost.inc(count) }),
    (open) => open.close(),
  );
  const events = openEvents(log, metrics, journey, config.WAYBILL_LAB);
  const auth = stack.use(
    openAuthClient(config, { onTrouble: (call, cause) => events.trouble(`auth: ${call}`, cause) }),
  );
  const where =
    config.WAYBILL_REDIS_URL === undefined
      ? ({ backend: 'postgres', url: config.WAYBILL_DATABASE_URL } as const)
      : ({ backend: 'redis', url: config.WAYBILL_REDIS_URL } as const);
  const kicker = stack.adopt(openKicker(where), (open) => open.close());
  const upkeep = openSpoolUpkeep(pool);
  const blobs = openBlobstore(pool);
  let credentials = readCredentials(config);
  let hops = hopCredentials(config);
  const agent = stack.use(
    new Agent({
      spool: openSpoolWork(pool, blobs, {
        expiry: {
          mailMs: 5 * 86_400_000, // only reports are accepted by this way in
          reportMs: config.WAYBILL_REPORT_EXPIRY_SECONDS * 1000,
        },
      }),
      blobs,
      kicker,
      auth,
      keys: new SigningKeys({ pool, keepMs: config.WAYBILL_DKIM_CACHE_SECONDS * 1000 }),
      resolver,
      lab,
      events,
      relay,
      hostname,
      owner: instance,
      mda: config.WAYBILL_MDA,
      mdaConnections: config.WAYBILL_MDA_CONNECTIONS,
      credentials: () => credentials,
      hopCredentials: () => hops,
      localInFlight: config.WAYBILL_LOCAL_IN_FLIGHT,
      remoteInFlight: config.WAYBILL_REMOTE_IN_FLIGHT,
      destinations: config.WAYBILL_DESTINATIONS,
      schedule,
      reportFullBytes: config.WAYBILL_REPORT_FULL_BYTES,
    }),
  );
  const { runner } = agent;
  stack.use(
    new Reconciler({
      upkeep,
      events,
      run: (destination) => runner.run(destination),
      hourly: async () => {
        const { dropped } = await maintainJourney(pool);
        events.swept('journey days', dropped);
      },
      minutely: () =>
        rotate({
          pool,
          // Without a memory: what is seen twice must have been there twice.
          lookTxt: (name) => new Resolver(nameservers).lookup(name, 'TXT'),
          settleSeconds: config.WAYBILL_DKIM_SETTLE_SECONDS,
          retireSeconds: config.WAYBILL_DKIM_RETIRE_SECONDS,
          onMove: (move) => events.keyMoved(move),
        }),
    }),
  );
  stack.adopt(
    startKickWorker(
      where,
      { concurrency: config.WAYBILL_DESTINATIONS, onError: (error) => events.trouble('kick', error) },
      (destination) => {
        events.kicked('kick');
        return runner.turn(destination);
      },
    ),
    (worker) => Promise.all([worker.close(), runner.stop()]).then(() => undefined),
  );
  metrics.gauge('mta_destinations', 'Destinations worked on', () => runner.active);
  metrics.gauge('mta_recipients_in_hand', 'Recipients leased by this process', () => agent.leases.size);
  metrics.gauge('mta_mda_connections', 'LMTP connections to mda', () => agent.lmtp.connections);
  metrics.gauge(
    'mta_relay_connections',
    'Connections to other machines’ mta',
    () => agent.agents.connections,
  );
  metrics.counts('kicks', 'Wakings of mta by what became of them', 'result', () => ({
    sent: kicker.figures.sent,
    merged: kicker.figures.merged,
    dropped: kicker.figures.dropped,
  }));
  const figures = queueFigures(() => upkeep.figures());
  metrics.gauge('queue_recipients_queued', 'Recipients that wait in the spool', () => figures('queued'));
  metrics.gauge('queue_recipients_due', 'Recipients that wait and whose time has come', () => figures('due'));
  metrics.gauge('queue_recipients_leased', 'Recipients that some mta holds', () => figures('leased'));
  metrics.gauge('queue_oldest_due_seconds', 'How long the oldest due recipient waits', () =>
    figures('oldestDueSeconds'),
  );
  context.onReload(() => {
    credentials = readCredentials(config);
    hops = hopCredentials(config);
    auth.renew(credentials);
    agent.lmtp.renew();
    agent.agents.renew();
  });
  // Closed first: what is still coming in is committed, and found by another mta.
  const door = await doorFromSettings(context, { pool, blobs, journey, auth, kicker });
  if (door !== undefined) stack.use(door);

  const open = stack.move();
  return { [Symbol.asyncDispose]: () => open.disposeAsync() };
}
