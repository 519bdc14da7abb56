import { openAuthClient, readCredentials } from '@waybill/auth-client';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import type { Context, Service } from '@waybill/daemon';
import { journeySchema, openJourney } from '@waybill/journey';
import { listenerLimits, Networks, tlsFromSettings } from '@waybill/listener';
import { mailstoreSchema, openDeliveryStore, openSignal } from '@waybill/mailstore';
import { checkRevisions, openPool } from '@waybill/postgres';
import type { MdaSettings } from './config.ts';
import { openDoor } from './door.ts';
import { openEvents } from './events.ts';
import { Sweeper } from './sweep.ts';
import { sweepJobs } from './sweep-jobs.ts';

/** Puts mda together: the store and the bodies in Postgres, auth, the LMTP door, the sweeper. */
export async function start(
  context: Context<typeof MdaSettings>,
): Promise<Service & { readonly port: number }> {
  const { config, log, metrics } = context;
  const foreign = new Networks(config.WAYBILL_LMTP_NETWORKS);
  const tls = tlsFromSettings(config);
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(
    openPool(config.WAYBILL_DATABASE_URL, { size: config.WAYBILL_DATABASE_POOL, name: 'waybill-mda' }),
    (open) => open.end(),
  );
  await context.waitFor('the mail store in Postgres', () =>
    checkRevisions(pool, [mailstoreSchema, blobstoreSchema, journeySchema]),
  );
  metrics.databasePool(pool);
  const lost = metrics.counter('journey_events_lost', 'Events of journeys that could not be kept');
  const journey = stack.adopt(
    openJourney(pool, { agent: 'mda', instance: context.instance, onDrop: (count) => lost.inc(count) }),
    (open) => open.close(),
  );
  const events = openEvents(log, metrics, journey);
  const signal = stack.adopt(
    openSignal(
      config.WAYBILL_REDIS_URL === undefined
        ? { postgresUrl: config.WAYBILL_DATABASE_URL }
        : { redis: config.WAYBILL_REDIS_URL },
    ),
    (open) => open.close(),
  );
  const auth = stack.use(
    openAuthClient(config, { onTrouble: (call, cause) => events.trouble(`auth: ${call}`, cause) }),
  );
  const blobs = openBlobstore(pool);
  const store = openDeliveryStore(pool, { signal });
  const sweeper = new Sweeper({
    everyMs: config.WAYBILL_SWEEP_SECONDS * 1000,
    jobs: sweepJobs(pool, blobs, config.WAYBILL_BLOB_GRACE_SECONDS * 1000),
    onSwept: (what, count) => events.swept(what, count),
    onTrouble: (what, error) => events.trouble(`sweeping ${what}`, error),
  });
  stack.use(sweeper);

  const listener = await openDoor({
    ...(config.WAYBILL_LISTEN_HOST === '' ? {} : { host: config.WAYBILL_LISTEN_HOST }),
    port: config.WAYBILL_LMTP_PORT,
    ...listenerLimits(config),
    hostname: context.hostname,
    tls,
    maxMessageBytes: config.WAYBILL_MAX_MESSAGE_BYTES,
    session: { auth, store, blobs, events, foreign, inlineBytes: config.WAYBILL_INLINE_BYTES },
  });
  stack.use(listener);
  metrics.door('lmtp', listener);
  metrics.gauge('certificate_expiry_timestamp_seconds', 'When the certificate of the doors expires', () =>
    tls === undefined ? Number.NaN : tls.expiresAt.getTime() / 1000,
  );
  context.onReload(() => {
    tls?.reload();
    auth.renew(readCredentials(config));
  });
  log.info({ port: listener.port }, 'listening');

  const open = stack.move();
  return { port: listener.port, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
