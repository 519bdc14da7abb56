import fs from 'node:fs';
import { type AuthClientConfig, readCredentials } from '@waybill/auth-client';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import type { Context } from '@waybill/daemon';
import { type Journey, journeySchema, NO_JOURNEY, openJourney } from '@waybill/journey';
import { checkRevisions, openPool } from '@waybill/postgres';
import { Handoff, parseNextHop, type TlsCredentials } from '@waybill/smtp/client';
import { DEFAULT_EXPIRY, openSpoolAccept } from '@waybill/spool/accept';
import { openKicker, spoolSchema } from '@waybill/spool';
import { type Custody, handoffCustody, spoolCustody } from './custody.ts';

/** Who has what an agent takes, and where its journey is written. */
export interface Opened {
  readonly custody: Custody;
  readonly journey: Journey;
  /** Certificates were exchanged. */
  renew(): void;
}

/** What the agent was told, and the process that it is. */
export interface CustodyContext extends Pick<
  Context<Record<never, never>>,
  'hostname' | 'instance' | 'metrics' | 'waitFor'
> {
  readonly config: AuthClientConfig & {
    readonly WAYBILL_HANDOFF: string;
    readonly WAYBILL_HANDOFF_CA_FILE: string;
    readonly WAYBILL_HANDOFF_CONNECTIONS: number;
    readonly WAYBILL_DATABASE_URL?: string;
    readonly WAYBILL_DATABASE_POOL: number;
    readonly WAYBILL_REDIS_URL?: string;
    readonly WAYBILL_INLINE_BYTES: number;
    readonly WAYBILL_MAIL_EXPIRY_SECONDS: number;
  };
}

/**
 * Opens the spool, or the way to the next machine: by WAYBILL_HANDOFF. What is opened is closed with the stack.
 * @throws RangeError or Error that names the setting
 */
export async function openCustody(
  agent: 'msa' | 'mx',
  context: CustodyContext,
  stack: AsyncDisposableStack,
): Promise<Opened> {
  const { config, metrics } = context;
  const lost = metrics.counter('journey_events_lost', 'Events of journeys that could not be kept');
  const handsOn = config.WAYBILL_HANDOFF !== 'spool';
  const handoff = handsOn ? openHandoff(context, stack) : undefined;
  metrics.gauge('handoff_connections', 'Connections to the next machine', () => handoff?.connections ?? 0);
  const url = config.WAYBILL_DATABASE_URL;
  const figures = { sent: 0, merged: 0, dropped: 0 };
  const kicks = (read: () => Record<string, number>): void =>
    metrics.counts('kicks', 'Wakings of mta by what became of them', 'result', read);
  if (url === undefined) {
    if (handoff === undefined)
      throw new Error(
        'WAYBILL_DATABASE_URL is missing: the spool lies there, unless WAYBILL_HANDOFF says otherwise',
      );
    kicks(() => figures);
    return {
      custody: handoffCustody(handoff),
      journey: NO_JOURNEY,
      renew: () => handoff.renew(hopCredentials(config)),
    };
  }
  const pool = stack.adopt(
    openPool(url, { size: config.WAYBILL_DATABASE_POOL, name: `waybill-${agent}` }),
    (open) => open.end(),
  );
  metrics.databasePool(pool);
  const needed = handsOn ? [journeySchema] : [spoolSchema, blobstoreSchema, journeySchema];
  await context.waitFor(handsOn ? 'the journey in Postgres' : 'the spool in Postgres', () =>
    checkRevisions(pool, needed),
  );
  const journey = stack.adopt(
    openJourney(pool, { agent, instance: context.instance, onDrop: (count) => lost.inc(count) }),
    (open) => open.close(),
  );
  if (handoff !== undefined) {
    kicks(() => figures);
    return { custody: handoffCustody(handoff), journey, renew: () => handoff.renew(hopCredentials(config)) };
  }
  const kicker = stack.adopt(
    openKicker(
      config.WAYBILL_REDIS_URL === undefined
        ? { backend: 'postgres', url }
        : { backend: 'redis', url: config.WAYBILL_REDIS_URL },
    ),
    (open) => open.close(),
  );
  kicks(() => ({
    sent: kicker.figures.sent,
    merged: kicker.figures.merged,
    dropped: kicker.figures.dropped,
  }));
  const spool = openSpoolAccept(pool, openBlobstore(pool), {
    inlineLimit: config.WAYBILL_INLINE_BYTES,
    expiry: { ...DEFAULT_EXPIRY, mailMs: config.WAYBILL_MAIL_EXPIRY_SECONDS * 1000 },
  });
  return { custody: spoolCustody(spool, kicker), journey, renew: () => undefined };
}

function openHandoff({ config, hostname }: CustodyContext, stack: AsyncDisposableStack): Handoff {
  return stack.adopt(
    new Handoff({
      hop: parseNextHop('WAYBILL_HANDOFF', config.WAYBILL_HANDOFF, 'agent'),
      helloName: hostname,
      credentials: hopCredentials(config),
      connections: config.WAYBILL_HANDOFF_CONNECTIONS,
    }),
    (open) => open.close(),
  );
}

/** Our certificate, and the authority of the next machine's. @throws Error that names the setting and the file */
function hopCredentials(config: CustodyContext['config']): TlsCredentials {
  const own = readCredentials(config);
  const file = config.WAYBILL_HANDOFF_CA_FILE;
  if (file === '') return own;
  try {
    return { ...own, ca: fs.readFileSync(file, 'utf8') };
  } catch (cause) {
    throw new Error(
      `WAYBILL_HANDOFF_CA_FILE: cannot read ${file} (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      { cause },
    );
  }
}
