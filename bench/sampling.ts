import type { LoadClient, Sink } from './clients/load-client.ts';
import type { JobResult } from './clients/job.ts';
import type { CgroupMaker } from './measure/cgroups.ts';
import { type Meter, type Spent, sumOf } from './measure/meter.ts';
import type { Target } from './peers/target.ts';
import { known, knownOf, type Sample } from './results.ts';
import { KEPT, readersOf, type Row, type Scale } from './rows.ts';

/** A target on the bench: with its meter, and how many messages its mailboxes must hold. */
export interface Bench {
  readonly target: Target;
  readonly meter: Meter;
  /** Counted at the beginning, then raised by what every row adds. */
  readonly expected: { inbox: number; kept: number };
}

export interface Tools {
  readonly client: LoadClient;
  readonly sink: Sink;
  readonly scale: Scale;
  /** Undefined where control groups cannot be made. */
  readonly groups: CgroupMaker | undefined;
  readonly cores: number;
}

/** What a row may take, until its last message is delivered. */
const LIMIT_MS = 180_000;

/**
 * Runs one row once against one target: connections and logins first, then with the meters on the load, on until
 * all is delivered, meters off, and then the mailboxes are counted by IMAP.
 */
export async function sampleOf(
  row: Row,
  bench: Bench,
  count: number,
  round: number,
  tools: Tools,
): Promise<Sample> {
  const { target, meter } = bench;
  const { client, sink } = tools;
  const faults: Record<string, number> = {};
  const fault = (text: string, times = 1): void => {
    faults[text] = (faults[text] ?? 0) + times;
  };
  const sinkBefore = await sink.taken();
  let finish: (() => Spent) | undefined;
  let spent: Spent | undefined;
  let sinkAfter = sinkBefore;
  let result: JobResult | undefined;
  try {
    const job = row.job(target, count, `${row.id}.${round}.${Date.now()}`, tools.scale);
    await client.run(
      job,
      LIMIT_MS,
      () => (finish = meter.begin()),
      async (done) => {
        result = done;
        if (row.until !== undefined) {
          const relayed = row.until === 'relayed' ? sinkBefore.messages + done.done : 0;
          if (!(await finished(target, sink, relayed))) fault('not all delivered in time');
        }
        spent = finish?.();
        sinkAfter = await sink.taken();
      },
    );
  } catch (error) {
    fault((error as Error).message);
  }
  for (const [text, times] of Object.entries(result?.faults ?? {})) fault(text, times);
  for (const label of spent?.restarted ?? []) fault(`${label} was restarted`);
  if (result !== undefined && row.until === 'relayed') {
    const relayed = sinkAfter.messages - sinkBefore.messages;
    if (relayed !== result.done) fault(`relayed ${relayed} of ${result.done}`);
  }
  if (row.adds !== undefined) {
    bench.expected[row.adds] += result?.done ?? 0;
    await verify(row.adds, bench, tools, fault);
  }
  return sampleFrom(round, result, spent, sinkAfter.cpuMs - sinkBefore.cpuMs, tools.cores, faults);
}

/** Whether the queue is empty, and the sink has as many as it should, within the limit. */
async function finished(target: Target, sink: Sink, relayed: number): Promise<boolean> {
  for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline;) {
    if ((await sink.taken()).messages >= relayed && (await target.queued()) === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function verify(
  what: 'inbox' | 'kept',
  bench: Bench,
  tools: Tools,
  fault: (text: string) => void,
): Promise<void> {
  try {
    const found = await countIn(bench.target, what, tools.client);
    if (found !== bench.expected[what])
      fault(`the mailboxes hold ${found} messages, not ${bench.expected[what]}`);
    bench.expected[what] = found;
  } catch (error) {
    fault(`cannot count: ${(error as Error).message}`);
  }
}

/** Messages in all readers' mailboxes, as IMAP says. */
export async function countIn(target: Target, what: 'inbox' | 'kept', client: LoadClient): Promise<number> {
  const { imap } = target.doors;
  if (imap === undefined) throw new Error(`${target.name} has no imap`);
  const mailbox = what === 'inbox' ? 'INBOX' : KEPT;
  // Only the first twenty append; counting the others’ would find no such mailbox.
  const logins = what === 'inbox' ? readersOf(target) : readersOf(target).slice(0, 20);
  return (await client.simply({ op: 'count', door: imap, logins, mailbox }, 60_000)).done;
}

function sampleFrom(
  round: number,
  result: JobResult | undefined,
  spent: Spent | undefined,
  sinkCpuMs: number,
  cores: number,
  faults: Readonly<Record<string, number>>,
): Sample {
  const done = result?.done ?? 0;
  const each = done === 0 ? Number.NaN : 1 / done;
  const clientCpuMs = (result?.clientCpuMs ?? Number.NaN) + sinkCpuMs;
  const servers = sumOf(spent?.parts.values() ?? []);
  const foreignMs = (spent?.machineMs ?? Number.NaN) - servers - clientCpuMs;
  const seconds = result?.seconds ?? 0;
  return {
    round,
    done,
    octets: result?.octets ?? 0,
    seconds,
    allSeconds: spent?.seconds ?? 0,
    latencyMs: result?.latencyMs ?? { p50: 0, p95: 0, p99: 0 },
    cpuMs: knownOf(spent?.parts ?? new Map(), each),
    clientCpuMs: clientCpuMs * each,
    clientBusy: seconds === 0 ? 0 : (result?.clientCpuMs ?? 0) / 1000 / seconds,
    foreign: known(Math.max(0, foreignMs) / ((spent?.seconds ?? 0) * cores * 1000)),
    faults,
  };
}
