import type { Sample } from './client/sample.ts';

/** What a new replica did within its first seconds, measured against an equal part of what all did. */
export interface Share {
  readonly agent: string;
  readonly address: string;
  /** When it was first seen ready, ms since 1970. */
  readonly joined: number;
  /** Counted by itself in the window. */
  readonly own: number;
  /** Counted by all replicas in the window. */
  readonly total: number;
  /** Replicas that were ready, on average over the window. */
  readonly replicas: number;
  /** own ÷ (total ÷ replicas): 1 is an equal part. */
  readonly ofFairShare: number;
}

export const WINDOW_MS = 30_000;
export const ENOUGH = 0.5;

/** The work of each agent as it counts it itself: a series belongs to it when it begins with one of these. */
export const WORK: ReadonlyMap<string, readonly string[]> = new Map([
  ['mx', ['waybill_sessions_total{door="smtp"']],
  ['msa', ['waybill_sessions_total{door="submission"']],
  ['mra', ['waybill_sessions_total{door="imap"']],
  ['mda', ['waybill_mda_deliveries_total']],
  ['mta', ['waybill_delivery_attempts_total']],
  ['auth', ['waybill_auth_calls_total']],
]);

/** The shares of the replicas of `agent` that were first seen ready between `from` and `to`. */
export function sharesOfNew(samples: readonly Sample[], agent: string, from: number, to: number): Share[] {
  const replicas = new Map<string, Sample[]>();
  for (const sample of samples) {
    if (sample.agent !== agent) continue;
    const key = `${sample.address}@${sample.startedAt}`;
    const its = replicas.get(key);
    if (its === undefined) replicas.set(key, [sample]);
    else its.push(sample);
  }
  return [...replicas.values()].flatMap((its) => {
    const joined = its.find((sample) => sample.ready);
    if (joined === undefined || joined.at < from || joined.at > to) return [];
    const end = joined.at + WINDOW_MS;
    const own = workBetween(its, agent, joined.at, end);
    const total = [...replicas.values()].reduce(
      (sum, one) => sum + workBetween(one, agent, joined.at, end),
      0,
    );
    const ready = [...replicas.values()].flatMap((one) =>
      one.filter((sample) => sample.ready && sample.at >= joined.at && sample.at <= end),
    ).length;
    const looks = its.filter((sample) => sample.at >= joined.at && sample.at <= end).length;
    const count = ready / Math.max(1, looks);
    return [
      {
        agent,
        address: joined.address,
        joined: joined.at,
        own,
        total,
        replicas: count,
        ofFairShare: total === 0 ? 0 : own / (total / count),
      },
    ];
  });
}

/** How far a replica's counters moved; one that is first seen within the window began with nothing. */
function workBetween(samples: readonly Sample[], agent: string, from: number, to: number): number {
  const before = samples.findLast((sample) => sample.at <= from);
  const last = samples.findLast((sample) => sample.at <= to);
  if (last === undefined || last.at <= from) return 0;
  return workOf(last, agent) - (before === undefined ? 0 : workOf(before, agent));
}

function workOf(sample: Sample, agent: string): number {
  const wanted = WORK.get(agent) ?? [];
  let sum = 0;
  for (const [series, value] of Object.entries(sample.counters))
    if (wanted.some((start) => series.startsWith(start))) sum += value;
  return sum;
}
