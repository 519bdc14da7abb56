import { isTryLater, openAuthClient, readCredentials } from '@waybill/auth-client';
import { openCustody } from '@waybill/custody';
import type { Context, Service } from '@waybill/daemon';
import { listenerLimits, tlsFromSettings } from '@waybill/listener';
import type { MxSettings } from './config.ts';
import { openDoor } from './door.ts';
import { openEvents } from './events.ts';
import { openGate } from './gate/open-gate.ts';
import { tryToRelay } from './gate/relay-self-test.ts';
import { writtenBy } from './results.ts';

/** Puts mx together: the spool and the bodies in Postgres, kicks, auth, and the door on port 25. */
export async function start(
  context: Context<typeof MxSettings>,
): Promise<Service & { readonly port: number }> {
  const { config, log, metrics } = context;
  const tls = tlsFromSettings(config);
  await using stack = new AsyncDisposableStack();
  const parts = await openCustody('mx', context, stack);
  const events = openEvents(log, metrics, parts.journey, () => gate.lost.lost);
  const auth = stack.use(
    openAuthClient(config, { onTrouble: (call, cause) => events.authTrouble(call, cause) }),
  );
  await context.waitFor('auth', async () => {
    if (isTryLater(await auth.resolveOne('ready@auth.invalid'))) throw new Error('auth does not answer');
  });
  const gate = openGate(
    config,
    context.hostname,
    auth,
    (zone, answer) => events.listTrouble(zone, answer),
    stack,
  );
  const selfTest = await tryToRelay({ auth, custody: parts.custody }, 'a stranger');
  events.selfTest(selfTest);
  if (selfTest.kind === 'relays') throw new Error(`mail for ${selfTest.to} would be relayed`);
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
    session: {
      hostname: context.hostname,
      auth,
      custody: parts.custody,
      gate,
      written: writtenBy(context.hostname),
      events,
    },
  });
  stack.use(listener);
  metrics.door('smtp', listener);
  metrics.gauge('certificate_expiry_timestamp_seconds', 'When the certificate of the doors expires', () =>
    tls === undefined ? Number.NaN : tls.expiresAt.getTime() / 1000,
  );
  context.onReload(() => {
    tls?.reload();
    auth.renew(readCredentials(config));
    parts.renew();
  });
  log.info({ port: listener.port }, 'listening');

  const open = stack.move();
  return { port: listener.port, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
