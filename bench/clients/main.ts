import { imapJob } from './imap.ts';
import { type Job, type JobResult, type Running, Tally } from './job.ts';
import { countJob, fillJob, idleJob } from './mailboxes.ts';
import { pop3Job } from './pop3.ts';
import { smtpJob } from './smtp.ts';
import { percentile } from '../measure/statistics.ts';

/**
 * The load client as a process of its own, so that its CPU is not mistaken for the servers'. It is told a job, says
 * when it is ready, runs when told to, says what came of it, and closes when told to.
 */
export type Order = { readonly order: 'prepare'; readonly job: Job } | { readonly order: 'run' | 'close' };
export type Answer =
  | { readonly answer: 'ready' | 'closed' }
  | { readonly answer: 'done'; readonly result: JobResult }
  | { readonly answer: 'failed'; readonly error: string };

let running: Running | undefined;

function jobOf(job: Job): Running {
  switch (job.op) {
    case 'smtp':
      return smtpJob(job);
    case 'imap':
      return imapJob(job);
    case 'pop3':
      return pop3Job(job);
    case 'idle':
      return idleJob(job);
    case 'count':
      return countJob(job);
    case 'fill':
      return fillJob(job);
  }
}

async function run(): Promise<JobResult> {
  const tally = new Tally();
  const cpu = process.cpuUsage();
  const began = performance.now();
  await running?.run(tally);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    done: tally.done,
    faults: Object.fromEntries(tally.faults),
    seconds,
    clientCpuMs: (user + system) / 1000,
    latencyMs: {
      p50: percentile(tally.latencies, 0.5),
      p95: percentile(tally.latencies, 0.95),
      p99: percentile(tally.latencies, 0.99),
    },
    octets: tally.octets,
  };
}

async function obey(order: Order): Promise<Answer> {
  switch (order.order) {
    case 'prepare':
      running = jobOf(order.job);
      await running.prepare();
      return { answer: 'ready' };
    case 'run':
      return { answer: 'done', result: await run() };
    case 'close': {
      const closing = running;
      running = undefined;
      await closing?.close();
      return { answer: 'closed' };
    }
  }
}

process.on('message', (order: Order) => {
  obey(order)
    .catch((error: unknown): Answer => ({ answer: 'failed', error: (error as Error).message }))
    // When nobody is there to hear it, 'disconnect' ends this process.
    .then((answer) => process.send?.(answer, () => undefined))
    .catch(() => process.exit(1));
});
process.on('disconnect', () => process.exit(0));
