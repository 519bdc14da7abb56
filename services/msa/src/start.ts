import { isTryLater, openAuthClient, readCredentials, readMechanisms, watchBans } from '@waybill/auth-client';
import { openCustody } from '@waybill/custody';
import type { Context, Service } from '@waybill/daemon';
import { listenerLimits, tlsFromSettings } from '@waybill/listener';
import { BodyBudget } from '@waybill/smtp/server';
import type { MsaSettings } from './config.ts';
import { openDoor } from './door.ts';
import { openEvents } from './events.ts';

/** Puts msa together: the spool and the bodies in Postgres, kicks, auth, and the two submission doors. */
export async function start(
  context: Context<typeof MsaSettings>,
): Promise<Service & { readonly port: number; readonly tlsPort: number }> {
  const { config, log, metrics } = context;
  const tls = tlsFromSettings(config);
  if (tls === undefined)
    throw new Error('msa needs a certificate: set WAYBILL_TLS_CERT_FILE and WAYBILL_TLS_KEY_FILE');
  const mechanisms = readMechanisms(config.WAYBILL_SASL_MECHANISMS);
  await using stack = new AsyncDisposableStack();
  const parts = await openCustody('msa', context, stack);
  const events = openEvents(log, metrics, parts.journey);
  const auth = stack.use(
    openAuthClient(config, { onTrouble: (call, cause) => events.authTrouble(call, cause) }),
  );
  await context.waitFor('auth', async () => {
    if (isTryLater(await auth.resolveOne('ready@auth.invalid'))) throw new Error('auth does not answer');
  });
  const bans = stack.use(watchBans(auth));
  await bans.ready;
  const door = {
    bans,
    ...(config.WAYBILL_LISTEN_HOST === '' ? {} : { host: config.WAYBILL_LISTEN_HOST }),
    ...listenerLimits(config),
    tls,
    maxMessageBytes: config.WAYBILL_MAX_MESSAGE_BYTES,
    maxRecipients: config.WAYBILL_MAX_RECIPIENTS,
    budget: new BodyBudget(config.WAYBILL_BODIES_IN_FLIGHT_BYTES),
    transcripts: config.WAYBILL_TRANSCRIPTS as 'off' | 'failures' | 'all',
    session: { hostname: context.hostname, auth, mechanisms, custody: parts.custody, events },
  };
  const [submission, submissions] = await Promise.all([
    openDoor({ ...door, port: config.WAYBILL_MSA_PORT }),
    openDoor({ ...door, port: config.WAYBILL_MSA_TLS_PORT, implicitTls: true }),
  ]);
  // Both drain at the same time.
  stack.defer(async () => {
    await Promise.all([submission[Symbol.asyncDispose](), submissions[Symbol.asyncDispose]()]);
  });
  metrics.door('submission', submission, submissions);
  metrics.gauge(
    'certificate_expiry_timestamp_seconds',
    'When the certificate of the doors expires',
    () => tls.expiresAt.getTime() / 1000,
  );
  context.onReload(() => {
    tls.reload();
    auth.renew(readCredentials(config));
    parts.renew();
  });
  log.info({ port: submission.port, tlsPort: submissions.port }, 'listening');

  const open = stack.move();
  return {
    port: submission.port,
    tlsPort: submissions.port,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
