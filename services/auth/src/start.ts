import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import type { Server } from 'node:tls';
import { NetworkTable, parseNetwork, SASL_MECHANISMS, TRY_LATER, watchBans } from '@waybill/auth-client';
import type { Context, Service } from '@waybill/daemon';
import { checkRevisions, openPool } from '@waybill/postgres';
import { signingSchema } from '@waybill/signing';
import { parseAddress } from './address.ts';
import { Authenticator } from './authenticate.ts';
import { tableOfCalls } from './calls.ts';
import type { AuthSettings } from './config.ts';
import { Accounts } from './directory/accounts.ts';
import { Aliases } from './directory/aliases.ts';
import { AppPasswords } from './directory/app-passwords.ts';
import { Credentials } from './directory/credentials.ts';
import { Domains } from './directory/domains.ts';
import { LoginTraces } from './directory/login-traces.ts';
import { DirectoryRows } from './directory/rows.ts';
import { Bans } from './directory/bans.ts';
import { Grants } from './directory/grants.ts';
import { openEvents } from './events.ts';
import { directoryQuestions } from './foreign/directory-questions.ts';
import { openForeignDoors } from './foreign/open.ts';
import { Gate } from './gate.ts';
import { ForeignHashes } from './password/foreign-hashes.ts';
import { HashQueue } from './password/hash-queue.ts';
import { PasswordMaker } from './password/password-maker.ts';
import { SuccessCache } from './password/success-cache.ts';
import { Penalties } from './penalties.ts';
import { openTokens } from './sasl/bearer-tokens.ts';
import { SaslEngine } from './sasl/engine.ts';
import { SealedStates } from './sasl/sealed-state.ts';
import { openResolver } from './resolver.ts';
import { directorySchema } from './schema.ts';
import { DirectorySecret } from './secret.ts';
import { openServer, type ServerCredentials } from './server.ts';
import { DkimKeys } from './signing/dkim-keys.ts';
import { ReturnPaths } from './signing/return-paths.ts';
import { SigningUpkeep } from './signing/upkeep.ts';
import { Spending } from './spending.ts';

/** Puts auth together: the directory in Postgres, the hashing queue, the table of calls, the door. */
export async function start(
  context: Context<typeof AuthSettings>,
): Promise<Service & { readonly port: number }> {
  const { config, log, metrics } = context;
  if (config.WAYBILL_POSTMASTER !== undefined && parseAddress(config.WAYBILL_POSTMASTER) === undefined)
    throw new Error(`WAYBILL_POSTMASTER: ${JSON.stringify(config.WAYBILL_POSTMASTER)} is not an address`);
  await using stack = new AsyncDisposableStack();
  const pool = stack.adopt(
    openPool(config.WAYBILL_DATABASE_URL, { size: config.WAYBILL_DATABASE_POOL, name: 'waybill-auth' }),
    (open) => open.end(),
  );
  await context.waitFor('the directory in Postgres', () =>
    checkRevisions(pool, [directorySchema, signingSchema]),
  );

  const events = openEvents(log, metrics);
  const quota = { bytes: config.WAYBILL_QUOTA_BYTES, messages: config.WAYBILL_QUOTA_MESSAGES };
  const credentials = new Credentials(pool, quota);
  const queue = new HashQueue({
    parallel: config.WAYBILL_HASH_PARALLEL,
    maxWaitMs: config.WAYBILL_HASH_WAIT_MS,
    onRun: (ms) => events.hashed(ms),
  });
  metrics.gauge('auth_hash_queue_depth', 'Passwords that wait to be hashed', () => queue.depth);
  const secret = await DirectorySecret.open(pool);
  const bans = new Bans(pool);
  const watch = stack.use(
    watchBans({
      bans: () =>
        bans.list().catch((error: unknown) => {
          events.failed('bans', error);
          return TRY_LATER;
        }),
    }),
  );
  await watch.ready;
  const gate = new Gate({
    penalties: new Penalties({
      clientLimit: config.WAYBILL_CLIENT_FAILURES,
      banAfter: config.WAYBILL_BAN_FAILURES,
    }),
    bans,
    watch,
    events,
    banSeconds: config.WAYBILL_BAN_SECONDS,
    neverBan: readNeverBan(config.WAYBILL_BAN_NEVER),
    beatMs: config.WAYBILL_LOGIN_BEAT_MS,
  });
  const maker = new PasswordMaker(queue, secret, config.WAYBILL_SCRAM_ITERATIONS);
  const authenticator = new Authenticator({
    credentials,
    queue,
    foreign: stack.use(new ForeignHashes()),
    maker,
    successes: new SuccessCache({ lifeMs: config.WAYBILL_LOGIN_CACHE_SECONDS * 1000 }),
    gate,
    traces: stack.use(new LoginTraces(pool, { onTrouble: (error) => events.failed('login traces', error) })),
    events,
  });
  const sasl = new SaslEngine({
    authenticator,
    gate,
    maker,
    states: new SealedStates(secret.key('sasl state')),
    tokens: openTokens(config, (error) => events.failed('oauth', error)),
    events,
  });
  const spending = new Spending(
    pool,
    {
      messagesPerHour: config.WAYBILL_SEND_MESSAGES_HOUR,
      messagesPerDay: config.WAYBILL_SEND_MESSAGES_DAY,
      recipientsPerHour: config.WAYBILL_SEND_RECIPIENTS_HOUR,
      recipientsPerDay: config.WAYBILL_SEND_RECIPIENTS_DAY,
      holdAfter: config.WAYBILL_SEND_HOLD_AFTER,
    },
    events,
  );
  const grants = new Grants(pool);
  const { WAYBILL_SUBADDRESS_DELIMITER: tag } = config;
  const delimiter = tag === 'none' ? '' : tag;
  const rows = new DirectoryRows(pool, quota);
  const rules = { delimiter, postmaster: config.WAYBILL_POSTMASTER };
  const dkimKeys = new DkimKeys(pool);
  const returnPaths = new ReturnPaths({ pool, rows });
  stack.use(
    new SigningUpkeep({
      keys: dkimKeys,
      returnPaths,
      onKeys: (domain) => events.changed('dkim keys made', domain),
      onTrouble: (error) => events.failed('upkeep of signing', error),
    }),
  );
  const resolved = openResolver({
    rows,
    rules,
    returnPaths,
    onTooLarge: (address) => events.aliasTooLarge(address),
  });
  const calls = tableOfCalls({
    authenticator,
    resolved,
    rows,
    rules,
    domains: new Domains(pool),
    accounts: new Accounts(pool, quota),
    aliases: new Aliases(pool),
    credentials,
    appPasswords: new AppPasswords(pool),
    grants,
    bans,
    sasl,
    spending,
    maker,
    events,
    dkimKeys,
    returnPaths,
  });

  const readFiles = (): ServerCredentials => ({
    ca: fs.readFileSync(config.WAYBILL_TLS_CA_FILE, 'utf8'),
    cert: fs.readFileSync(config.WAYBILL_TLS_CERT_FILE, 'utf8'),
    key: fs.readFileSync(config.WAYBILL_TLS_KEY_FILE, 'utf8'),
  });
  metrics.databasePool(pool);
  const files = readFiles();
  let expiresAt = expiryOf(files);
  const app = stack.adopt(openServer(calls, files, events), (open) => open.close());
  context.onReload(() => {
    const renewed = readFiles();
    (app.server as unknown as Server).setSecureContext(renewed);
    expiresAt = expiryOf(renewed);
  });
  const sessions = { open: 0, accepted: 0 };
  app.server.on('secureConnection', (socket: Socket) => {
    sessions.open++;
    sessions.accepted++;
    socket.once('close', () => sessions.open--);
  });
  metrics.door('auth', sessions);
  metrics.gauge(
    'certificate_expiry_timestamp_seconds',
    'When the certificate of the doors expires',
    () => expiresAt / 1000,
  );
  await app.listen({ host: config.WAYBILL_LISTEN_HOST, port: config.WAYBILL_AUTH_PORT });
  const { port } = app.server.address() as AddressInfo;
  stack.use(
    await openForeignDoors({
      config,
      log,
      metrics,
      directory: directoryQuestions({ resolved, rows, grants, rules }),
      sasl,
      mechanisms: FOREIGN_MECHANISMS,
      spend: (request) =>
        spending.spend(request).catch((error: unknown) => {
          events.failed('spend', error);
          return TRY_LATER;
        }),
      bannedFor: (address) => watch.reasonFor(address),
    }),
  );
  log.info({ port }, 'listening');

  const open = stack.move();
  return { port, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** What a foreign agent may offer; tokens too, once an issuer is configured. */
const FOREIGN_MECHANISMS = SASL_MECHANISMS.filter((name) => !name.includes('OAUTH'));

/** @throws Error that names the setting */
function readNeverBan(text: string): NetworkTable<true> {
  const table = new NetworkTable<true>();
  for (const part of text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)) {
    const network = parseNetwork(part);
    if (network === undefined) throw new Error(`WAYBILL_BAN_NEVER: ${JSON.stringify(part)} is no network`);
    table.set(network, true);
  }
  return table;
}

function expiryOf({ cert }: ServerCredentials): number {
  return new X509Certificate(cert).validToDate.getTime();
}
