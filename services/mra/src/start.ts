import { openAuthClient, readCredentials, readMechanisms, watchBans } from '@waybill/auth-client';
import { blobstoreSchema } from '@waybill/blobstore';
import type { Context, Service } from '@waybill/daemon';
import { journeySchema, openJourney } from '@waybill/journey';
import {
  type Connection,
  type Listener,
  listenerLimits,
  openListener,
  tlsFromSettings,
} from '@waybill/listener';
import { mailstoreSchema, openReaderStore, openSignal } from '@waybill/mailstore';
import { checkRevisions, openPool } from '@waybill/postgres';
import { AccountPlaces } from './account-places.ts';
import type { MraSettings } from './config.ts';
import { Events, type Protocol } from './events.ts';
import { serveImap } from './imap/connection.ts';
import { LargeMessages } from './imap/large-messages.ts';
import { MailboxCache } from './imap/mailbox-cache.ts';
import { DEFAULT_TIMING, type Surroundings } from './imap/session.ts';
import { Summaries } from './imap/summaries.ts';
import { servePop3 } from './pop3/serve-pop3.ts';
import { VERSION } from './version.ts';

export interface Mra extends Service {
  readonly ports: {
    readonly imap: number;
    readonly imaps: number;
    readonly pop3: number;
    readonly pop3s: number;
  };
}

/** What is said to whom is not served, in place of a greeting. */
interface DoorWords {
  readonly busy: string;
  readonly banned: string;
}
const IMAP_WORDS: DoorWords = {
  busy: '* BYE [UNAVAILABLE] Too many connections\r\n',
  banned: '* BYE Connections from your network are not taken\r\n', // RFC 3501 §7.1.5
};
const POP3_WORDS: DoorWords = {
  busy: '-ERR [SYS/TEMP] Too many connections\r\n',
  banned: '-ERR [SYS/PERM] Connections from your network are not taken\r\n', // RFC 3206 §4
};

/** Puts mra together: the store in Postgres, auth, the caches, and four doors. */
export async function start(context: Context<typeof MraSettings>): Promise<Mra> {
  const { config, log, metrics } = context;
  const mechanisms = readMechanisms(config.WAYBILL_SASL_MECHANISMS);
  await using stack = new AsyncDisposableStack();
  const tls = tlsFromSettings(config);
  const pool = stack.adopt(
    openPool(config.WAYBILL_DATABASE_URL, { size: config.WAYBILL_DATABASE_POOL, name: 'waybill-mra' }),
    (open) => open.end(),
  );
  await context.waitFor('the mail store in Postgres', () =>
    checkRevisions(pool, [mailstoreSchema, blobstoreSchema, journeySchema]),
  );
  metrics.databasePool(pool);
  const lost = metrics.counter('journey_events_lost', 'Events of journeys that could not be kept');
  const journey = stack.adopt(
    openJourney(pool, { agent: 'mra', instance: context.instance, onDrop: (count) => lost.inc(count) }),
    (open) => open.close(),
  );
  const events = new Events(log, metrics, journey);
  const signal = stack.adopt(
    openSignal(
      config.WAYBILL_REDIS_URL === undefined
        ? { postgresUrl: config.WAYBILL_DATABASE_URL }
        : { redis: config.WAYBILL_REDIS_URL },
    ),
    (open) => open.close(),
  );
  const auth = stack.use(
    openAuthClient(config, {
      onTrouble: (call, cause) => log.warn({ call, err: cause }, 'auth gave no answer'),
    }),
  );
  const bans = stack.use(watchBans(auth));
  await bans.ready;
  const store = openReaderStore(pool, { signal });
  const summaries = new Summaries(store, config.WAYBILL_SUMMARY_CACHE_BYTES);
  const places = new AccountPlaces(config.WAYBILL_SESSIONS_PER_ACCOUNT);
  const imap: Surroundings = {
    store,
    signal,
    auth,
    mechanisms,
    events,
    summaries,
    largeMessages: new LargeMessages(store, config.WAYBILL_LARGE_MESSAGE_CACHE_BYTES),
    cache: new MailboxCache(store, summaries, config.WAYBILL_MAILBOX_CACHE_BYTES),
    places,
    timing: { ...DEFAULT_TIMING, idleMs: config.WAYBILL_AUTOLOGOUT_SECONDS * 1000 },
    hostname: context.hostname,
    version: VERSION,
    maxAppend: config.WAYBILL_MAX_MESSAGE_BYTES,
  };
  const pop3 = {
    store,
    events,
    places,
    hostname: context.hostname,
    auth,
    mechanisms,
  };
  metrics.gauge('mailboxes_cached', 'Mailboxes held in memory', () => imap.cache.size);
  metrics.gauge('summaries_cached_bytes', 'Octets of summaries held in memory', () => summaries.bytes);

  const limits = listenerLimits(config);
  const door = async (
    protocol: Protocol,
    port: number,
    implicitTls: boolean,
    serve: (connection: Connection) => void,
    words: DoorWords,
  ): Promise<Listener> =>
    stack.use(
      await openListener({
        ...(config.WAYBILL_LISTEN_HOST === '' ? {} : { host: config.WAYBILL_LISTEN_HOST }),
        port,
        tls,
        implicitTls,
        ...limits,
        onConnection: (connection) => {
          const banned = bans.reasonFor(connection.remoteAddress);
          if (banned === undefined) return serve(connection);
          events.banned(protocol, connection.remoteAddress, banned);
          connection.end(words.banned);
        },
        refusal: () => words.busy,
        onRefused: (why, address) => events.connectionRefused(protocol, why, address),
        onError: (error) => log.error({ err: error }, 'listener failed'),
      }),
    );
  const byImap = (connection: Connection): void => serveImap(connection, imap);
  const byPop3 = (connection: Connection): void => servePop3(connection, pop3);
  const imapDoor = await door('imap', config.WAYBILL_IMAP_PORT, false, byImap, IMAP_WORDS);
  const pop3Door = await door('pop3', config.WAYBILL_POP3_PORT, false, byPop3, POP3_WORDS);
  // Without a certificate the TLS ports stay shut; on the others nobody can log in.
  const imapsDoor = tls && (await door('imap', config.WAYBILL_IMAPS_PORT, true, byImap, IMAP_WORDS));
  const pop3sDoor = tls && (await door('pop3', config.WAYBILL_POP3S_PORT, true, byPop3, POP3_WORDS));
  metrics.door('imap', imapDoor, ...(imapsDoor === undefined ? [] : [imapsDoor]));
  metrics.door('pop3', pop3Door, ...(pop3sDoor === undefined ? [] : [pop3sDoor]));
  metrics.gauge('certificate_expiry_timestamp_seconds', 'When the certificate of the doors expires', () =>
    tls === undefined ? Number.NaN : tls.expiresAt.getTime() / 1000,
  );
  if (tls === undefined) log.warn('no certificate is configured: nobody can log in');
  const ports = {
    imap: imapDoor.port,
    imaps: imapsDoor?.port ?? 0,
    pop3: pop3Door.port,
    pop3s: pop3sDoor?.port ?? 0,
  };
  context.onReload(() => {
    tls?.reload();
    auth.renew(readCredentials(config));
  });
  log.info({ ports }, 'listening');

  const open = stack.move();
  return { ports, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
