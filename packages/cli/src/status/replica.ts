import { type Family, parseExposition } from '@waybill/daemon';
import type { Place } from './find-replicas.ts';

/** What one replica says of itself, at two moments for the rates. */
export interface Replica {
  readonly agent: string;
  /** WAYBILL_INSTANCE; the address when it could not be asked. */
  readonly instance: string;
  readonly address: string | undefined;
  readonly state: 'ready' | 'draining' | 'not ready' | 'unreachable';
  readonly version?: string;
  readonly startedAt?: string;
  readonly uptimeSeconds?: number;
  /** Open sessions of all its doors; of mta: recipients in hand. */
  readonly sessions?: number;
  /** What this agent is there for, per second. */
  readonly rate?: { readonly what: string; readonly perSecond: number };
  /** Share of one processor. */
  readonly cpu?: number;
  readonly memoryBytes?: number;
  readonly certificateExpires?: string;
  readonly unhandledErrors?: number;
  /** Why it is unreachable. */
  readonly why?: string;
}

/** One reading of a replica's /metrics. */
export interface Reading {
  readonly place: Place;
  readonly at: number;
  readonly families: ReadonlyMap<string, Family> | undefined;
  /** What /readyz says, of a replica whose metrics do not: those of 0.1.0. */
  readonly ready?: boolean;
  readonly why: string | undefined;
}

const TIMEOUT_MS = 2000;

/** Reads once; what fails is a value. */
export async function readReplica(place: Place): Promise<Reading> {
  const failed = (why: string): Reading => ({ place, at: performance.now(), families: undefined, why });
  if (place.address === undefined) return failed(`the name ${place.name} has no address`);
  const ask = (path: string): Promise<Response> =>
    fetch(`http://${place.address}/${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      // Each reading is a connection of its own: a kept one would outlive the replica's name.
      headers: { connection: 'close' },
    });
  try {
    const answer = await ask('metrics');
    if (answer.status !== 200) return failed(`its ops port answers ${answer.status}`);
    const families = parseExposition(await answer.text());
    const reading: Reading = { place, at: performance.now(), families, why: undefined };
    if (families.has('waybill_ready')) return reading;
    const readiness = await ask('readyz');
    await readiness.body?.cancel();
    return { ...reading, ready: readiness.status === 200 };
  } catch (error) {
    const { name, cause } = error as Error;
    if (name === 'TimeoutError') return failed(`no answer within ${TIMEOUT_MS / 1000} s`);
    return failed((cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message);
  }
}

/** The counter that says what an agent is there for, and what its unit is called. */
const WORK: ReadonlyMap<string, { readonly what: string; readonly name: string; readonly only?: string }> =
  new Map([
    ['mx', { what: 'accepted', name: 'waybill_mx_messages_total', only: 'accepted' }],
    ['msa', { what: 'accepted', name: 'waybill_msa_messages_total', only: 'accepted' }],
    ['mta', { what: 'delivered', name: 'waybill_delivery_attempts_total', only: 'delivered' }],
    ['mda', { what: 'stored', name: 'waybill_mda_deliveries_total', only: 'stored' }],
    ['mra', { what: 'commands', name: 'waybill_commands_total' }],
    ['auth', { what: 'calls', name: 'waybill_auth_calls_total' }],
  ]);

/** Puts two readings of the same replica together. A process that began anew between them has no rates. */
export function replicaOf(before: Reading | undefined, now: Reading, clock = Date.now()): Replica {
  const { place, families } = now;
  if (families === undefined)
    return {
      agent: place.name,
      instance: place.address ?? place.name,
      address: place.address,
      state: 'unreachable',
      why: now.why ?? '',
    };
  const info = families.get('waybill_build_info')?.samples[0]?.labels;
  const agent = info?.get('agent') ?? place.name;
  const value = (name: string, from = families): number | undefined => total(from, name);
  const started = value('waybill_process_start_time_seconds');
  const earlier =
    before?.families !== undefined &&
    total(before.families, 'waybill_process_start_time_seconds') === started &&
    now.at > before.at
      ? before
      : undefined;
  const perSecond = (name: string, only?: string): number | undefined => {
    if (earlier?.families === undefined) return undefined;
    const difference = (total(families, name, only) ?? 0) - (total(earlier.families, name, only) ?? 0);
    return Math.max(0, difference / ((now.at - earlier.at) / 1000));
  };
  const work = WORK.get(agent);
  const rate = work === undefined ? undefined : perSecond(work.name, work.only);
  const expiry = value('waybill_certificate_expiry_timestamp_seconds');
  return {
    agent,
    instance: info?.get('instance') ?? place.address ?? '',
    address: place.address,
    state:
      value('waybill_ready') === 1 || now.ready === true
        ? 'ready'
        : value('waybill_draining') === 1
          ? 'draining'
          : 'not ready',
    ...defined('version', info === undefined ? 'before 0.2.0' : info.get('version')),
    ...defined('startedAt', started === undefined ? undefined : new Date(started * 1000).toISOString()),
    ...defined('uptimeSeconds', started === undefined ? undefined : Math.max(0, clock / 1000 - started)),
    ...defined(
      'sessions',
      value(agent === 'mta' ? 'waybill_mta_recipients_in_hand' : 'waybill_sessions_open'),
    ),
    ...(work === undefined || rate === undefined ? {} : { rate: { what: work.what, perSecond: rate } }),
    ...defined('cpu', perSecond('waybill_process_cpu_seconds_total')),
    ...defined('memoryBytes', value('waybill_process_resident_memory_bytes')),
    ...defined(
      'certificateExpires',
      expiry === undefined || Number.isNaN(expiry) ? undefined : new Date(expiry * 1000).toISOString(),
    ),
    ...defined('unhandledErrors', value('waybill_unhandled_errors_total')),
  };
}

/** Each replica once: one of two address families stands behind two addresses. */
export function distinct(replicas: readonly Replica[]): Replica[] {
  const seen = new Set<string>();
  return replicas.filter(({ agent, instance, startedAt }) => {
    if (startedAt === undefined) return true;
    const key = `${agent} ${instance} ${startedAt}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The sum over all samples, or over those with a label of this value; undefined when there is no such metric. */
function total(families: ReadonlyMap<string, Family>, name: string, only?: string): number | undefined {
  const samples = families.get(name)?.samples;
  if (samples === undefined) return undefined;
  let sum = 0;
  for (const sample of samples)
    if (only === undefined || [...sample.labels.values()].includes(only)) sum += sample.value;
  return sum;
}

function defined<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };
}
