import fs from 'node:fs';
import type { AuthClientConfig, Credentials } from '@waybill/auth-client';
import { readCredentials } from '@waybill/auth-client';
import type { Blobstore } from '@waybill/blobstore';
import type { Context } from '@waybill/daemon';
import type { Journey } from '@waybill/journey';
import { DEFAULT_EXPIRY, openSpoolAccept } from '@waybill/spool/accept';
import type { InnerDoor } from '@waybill/smtp/server';
import type { MtaSettings } from '../config.ts';
import { openDoor } from './door.ts';
import { openDoorEvents } from './events.ts';
import type { MtaSessionOptions } from './session.ts';

/** What the door shares with the rest of mta. */
export interface DoorParts extends Pick<MtaSessionOptions, 'auth' | 'kicker'> {
  readonly pool: Parameters<typeof openSpoolAccept>[0];
  readonly blobs: Blobstore;
  readonly journey: Journey;
}

/** Our certificate, and the authorities of agents on other machines. @throws Error that names the setting and the file */
export function hopCredentials(
  config: AuthClientConfig & { readonly WAYBILL_MTA_CA_FILE: string },
): Credentials {
  const own = readCredentials(config);
  const file = config.WAYBILL_MTA_CA_FILE;
  if (file === '') return own;
  try {
    return { ...own, ca: fs.readFileSync(file, 'utf8') };
  } catch (cause) {
    throw new Error(
      `WAYBILL_MTA_CA_FILE: cannot read ${file} (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      { cause },
    );
  }
}

/** Opens the inner SMTP door, where the settings give it a port. @throws what openDoor() throws */
export async function doorFromSettings(
  context: Context<typeof MtaSettings>,
  { pool, blobs, journey, auth, kicker }: DoorParts,
): Promise<InnerDoor | undefined> {
  const { config, log, metrics, hostname } = context;
  if (config.WAYBILL_MTA_PORT === 0) return undefined;
  const events = openDoorEvents(log, metrics, journey);
  const door = await openDoor({
    ...(config.WAYBILL_LISTEN_HOST === '' ? {} : { host: config.WAYBILL_LISTEN_HOST }),
    port: config.WAYBILL_MTA_PORT,
    credentials: hopCredentials(config),
    networks: config.WAYBILL_MTA_NETWORKS,
    maxConnections: config.WAYBILL_MAX_CONNECTIONS,
    maxMessageBytes: config.WAYBILL_MAX_MESSAGE_BYTES,
    bodiesInFlight: config.WAYBILL_BODIES_IN_FLIGHT_BYTES,
    transcripts: config.WAYBILL_LAB ? 'all' : 'failures',
    session: {
      hostname,
      auth,
      kicker,
      events,
      spool: openSpoolAccept(pool, blobs, {
        inlineLimit: config.WAYBILL_INLINE_BYTES,
        expiry: { ...DEFAULT_EXPIRY, mailMs: config.WAYBILL_MAIL_EXPIRY_SECONDS * 1000 },
      }),
    },
  });
  metrics.door('smtp', door);
  context.onReload(() => door.renew(hopCredentials(config)));
  log.info({ port: door.port }, 'listening');
  return door;
}
