import { isTryLater, openAuthClient, readCredentials } from '@waybill/auth-client';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import type { Context, Service } from '@waybill/daemon';
import { journeySchema, openJourney } from '@waybill/journey';
import { listenerLimits, tlsFromSettings } from '@waybill/listener';
import { checkRevisions, openPool } from '@waybill/postgres';
import { DEFAULT_EXPIRY, openSpoolAccept } from '@waybill/spool/accept';
import { openKicker, spoolSchema } from '@waybill/spool';
import type { MxSettings } from './config.ts';
import { openDoor } from './door.ts';
import { openEvents } from './events.ts';

/** Puts mx together: the spool and the bodies in Postgres, kicks, auth, and the door on port 25. */
export async function start(
  context: Context<typeof MxSettings>,
): Promise<Service & { readonly port: number }> {
  const { config, log, metrics } = context;
  const tls = tlsFromSettings(config);
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(
    openPool(config.WAYBILL_DATABASE_URL, { size: config.WAYBILL_DATABASE_POOL, name: 'waybill-mx' }),
    (open) => open.end(),
  );
  await context.waitFor('the spool in Postgres', () =>
    checkRevisions(pool, [spoolSchema, blobstoreSchema, journeySchema]),
  );
  metrics.databasePool(pool);
  const lost = metrics.counter('journey_events_lost', 'Events of journeys that could not be kept');
  const journey = stack.adopt(
    openJourney(pool, { agent: 'mx', instance: context.instance, onDrop: (count) => lost.inc(count) }),
    (open) => open.close(),
  );
  const events = openEvents(log, metrics, journey);
  const kicker = stack.adopt(
    openKicker(
      config.WAYBILL_REDIS_URL === undefined
        ? { backend: 'postgres', url: config.WAYBILL_DATABASE_URL }
        : { backend: 'redis', url: config.WAYBILL_REDIS_URL },
    ),
    (open) => open.close(),
  );
  const auth = stack.use(
    openAuthClient(config, { onTrouble: (call, cause) => events.authTrouble(call, cause) }),
  );
  await context.waitFor('auth', async () => {
    if (isTryLater(await auth.resolveOne('ready@auth.invalid'))) throw new Error('auth does not answer');
  });
  const spool = openSpoolAccept(pool, openBlobstore(pool), {
    inlineLimit: config.WAYBILL_INLINE_BYTES,
    expiry: { ...DEFAULT_EXPIRY, mailMs: config.WAYBILL_MAIL_EXPIRY_SECONDS * 1000 },
  });
  const listener = await openDoor({
    ...(config.WAYBILL_LISTEN_HOST === '' ? {} : { host: config.WAYBILL_LISTEN_HOST }),
    port: config.WAYBILL_MX_PORT,
    ...listenerLimits(config),
    tls,
    maxMessageBytes: config.WAYBILL_MAX_MESSAGE_BYTES,
    maxRecipients: config.WAYBILL_MAX_RECIPIENTS,
    bodiesInFlight: config.WAYBILL_BODIES_IN_FLIGHT_BYTES,
    bareLineEnds: config.WAYBILL_BARE_LINE_ENDS as 'refuse' | 'normalise',
    transcripts: config.WAYBILL_TRANSCRIPTS as 'off' | 'failures' | 'all',
    session: { hostname: context.hostname, auth, spool, kicker, events },
  });
  stack.use(listener);
  metrics.door('smtp', listener);
  metrics.counts('kicks', 'Wakings of mta by what became of them', 'result', () => ({
    sent: kicker.figures.sent,
    merged: kicker.figures.merged,
    dropped: kicker.figures.dropped,
  }));
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
