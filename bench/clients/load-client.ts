import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Job, JobResult } from './job.ts';
import type { Answer, Order } from './main.ts';
import type { SinkAnswer } from './sink.ts';

/** The bench's own end of its load client: one process for all jobs, warm after the first of them. */
export class LoadClient implements AsyncDisposable {
  #child: ChildProcess = start('main.ts');

  /**
   * Prepares the job; calls `begin`, and then lets it run; calls `end` with the result and waits for it; closes.
   * @throws Error when the job cannot be prepared or takes longer than `limitMs` (the process is replaced then)
   */
  async run<T>(
    job: Job,
    limitMs: number,
    begin: () => void,
    end: (result: JobResult) => Promise<T> | T,
  ): Promise<T> {
    try {
      await this.#ask({ order: 'prepare', job }, limitMs);
      begin();
      const answer = await this.#ask({ order: 'run' }, limitMs);
      if (answer.answer !== 'done') throw new Error(`the load client answered ${answer.answer}`);
      return await end(answer.result);
    } finally {
      await this.#ask({ order: 'close' }, 10_000).catch(() => this.#replace());
    }
  }

  /**
   * For jobs whose cost is nobody's business. Filling and counting may be done twice, and are, when a busy machine
   * made a login time out. @throws Error also for every fault
   */
  async simply(job: Job, limitMs: number): Promise<JobResult> {
    for (let more = job.op === 'fill' || job.op === 'count' ? 3 : 0; ; more--) {
      try {
        return await this.#once(job, limitMs);
      } catch (error) {
        if (more === 0) throw error;
      }
    }
  }

  async #once(job: Job, limitMs: number): Promise<JobResult> {
    const result = await this.run(
      job,
      limitMs,
      () => undefined,
      (done) => done,
    );
    const [fault] = Object.keys(result.faults);
    if (fault !== undefined) throw new Error(`${job.op}: ${fault}`);
    return result;
  }

  async #ask(order: Order, limitMs: number): Promise<Answer> {
    const child = this.#child;
    const limit = AbortSignal.timeout(limitMs);
    const gone = new AbortController();
    const onExit = (): void => gone.abort(new Error('the load client ended'));
    child.once('exit', onExit);
    try {
      const coming = once(child, 'message', { signal: AbortSignal.any([limit, gone.signal]) });
      child.send(order, () => undefined);
      const [answer] = (await coming) as [Answer];
      if (answer.answer === 'failed') throw new Error(answer.error);
      return answer;
    } catch (error) {
      if (!limit.aborted) throw error;
      this.#replace();
      throw new Error(`not done after ${limitMs / 1000} s`, { cause: error });
    } finally {
      child.off('exit', onExit);
    }
  }

  #replace(): void {
    this.#child.kill('SIGKILL');
    this.#child = start('main.ts');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}

/** The sink, seen from the bench. */
export class Sink implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<Sink> {
    const child = start('sink.ts');
    const [answer] = (await once(child, 'message', { signal: AbortSignal.timeout(10_000) })) as [SinkAnswer];
    if (!('port' in answer)) throw new Error('the sink did not start');
    return new Sink(child, answer.port);
  }

  /** Messages taken so far, and the CPU ms that they cost. */
  async taken(): Promise<{ readonly messages: number; readonly cpuMs: number }> {
    const coming = once(this.#child, 'message', { signal: AbortSignal.timeout(10_000) });
    this.#child.send('count');
    const [answer] = (await coming) as [SinkAnswer];
    if (!('messages' in answer)) throw new Error('the sink lost count');
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}

/** No inspector, no options of our own process; it ends when we do, since its channel closes then. */
function start(file: string): ChildProcess {
  const child = fork(path.join(import.meta.dirname, file), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('error', () => undefined);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (child.connected) child.disconnect();
  else child.kill('SIGKILL');
  await gone;
}
