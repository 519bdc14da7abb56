import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

/**
 * One agent as a child process: started, watched, started again when it dies, and ended with us.
 * The child holds a pipe to us as its standard input and ends when the pipe closes.
 */
export interface AgentCommand {
  /** `mx-1`: prefix of its log lines. */
  readonly name: string;
  /** The service's main file. */
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface AgentHooks {
  /** Every line that the agent prints. */
  readonly onLine: (name: string, line: string) => void;
  /** It died without having been asked to, and a new process runs. */
  readonly onRestart: () => void;
}

/** Pauses before starts after consecutive quick deaths, in ms. */
const PAUSES = [50, 200, 500, 1000, 2000, 5000] as const;
/** Longer than an agent's own deadline for what it has in hand. */
const REPLACE_GRACE_MS = 90_000;

export class SupervisedAgent {
  readonly name: string;
  #command: AgentCommand;
  readonly #hooks: AgentHooks;
  #child: ChildProcess | undefined;
  #stopping = false;
  #quickDeaths = 0;
  /** Processes started after the first. */
  restarts = 0;
  #ready: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(command: AgentCommand, hooks: AgentHooks) {
    this.name = command.name;
    this.#command = command;
    this.#hooks = hooks;
  }

  /** The file that it runs. */
  get main(): string {
    return this.#command.main;
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined;
  }

  /** Starts it and resolves when it says that it is ready. @throws Error with its last lines when it ends before. */
  async start(): Promise<void> {
    this.#launch();
    await this.#ready;
  }

  /** Resolves when the process that runs now (or is about to) is ready. */
  async whenReady(): Promise<void> {
    for (;;) {
      const current = this.#ready;
      const ok = await current.then(
        () => true,
        () => false,
      );
      if (ok && current === this.#ready) return;
      if (this.#stopping) throw new Error(`${this.name} is stopping`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #launch(): void {
    const began = Date.now();
    const child = spawn(process.execPath, [this.#command.main], {
      env: understoodBy(this.#command),
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: Ctrl-C reaches us alone, and we stop the agents in order.
      detached: true,
    });
    this.#child = child;
    const last: string[] = [];
    let isReady: () => void = () => undefined;
    let failed: (error: Error) => void = () => undefined;
    this.#ready = new Promise<void>((resolve, reject) => {
      isReady = resolve;
      failed = reject;
    });
    this.#ready.catch(() => undefined);
    const onLine = (line: string): void => {
      last.push(line);
      if (last.length > 20) last.shift();
      if (line.includes('"msg":"ready"')) {
        this.#quickDeaths = 0;
        isReady();
      }
      this.#hooks.onLine(this.name, line);
    };
    for (const stream of [child.stdout, child.stderr]) splitLines(stream, onLine);
    child.stdin?.on('error', () => undefined);
    child.on('error', (error) => failed(error));
    child.once('exit', (code, signal) => {
      failed(
        new Error(`${this.name} ended with ${signal ?? code} before it was ready:\n  ${last.join('\n  ')}`),
      );
      if (this.#stopping) return;
      this.#hooks.onLine(this.name, `ended with ${signal ?? code}; it is started again`);
      if (Date.now() - began < 3000) this.#quickDeaths++;
      const pause = PAUSES[Math.min(this.#quickDeaths, PAUSES.length - 1)] ?? 5000;
      this.#timer = setTimeout(() => {
        if (this.#stopping) return;
        this.restarts++;
        this.#launch();
        this.#hooks.onRestart();
      }, pause);
    });
  }

  /** Sends a signal to the running process; `SIGKILL` is the test of the promises. */
  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Stops it in order, for as long as it may take by its own deadline, and starts this main file in its place. @throws as start() does. */
  async replace(main: string): Promise<void> {
    await this.stop(REPLACE_GRACE_MS);
    this.#stopping = false;
    this.#quickDeaths = 0;
    this.#command = { ...this.#command, main };
    await this.start();
  }

  /** SIGTERM, and SIGKILL when that was not enough after `graceMs`. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(force);
  }
}

/** Settings that a version before this one may not know: it would not start with them. */
const NEWER: readonly string[] = [
  'WAYBILL_DNS_SERVERS',
  'WAYBILL_SEND_MESSAGES_HOUR',
  'WAYBILL_SEND_MESSAGES_DAY',
  'WAYBILL_SEND_RECIPIENTS_HOUR',
  'WAYBILL_SEND_RECIPIENTS_DAY',
];

function understoodBy({ main, env }: AgentCommand): NodeJS.ProcessEnv {
  const asked = NEWER.filter((name) => name in env);
  if (asked.length === 0) return env;
  const known = fs.readFileSync(path.join(path.dirname(main), 'config.ts'), 'utf8');
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !asked.includes(name) || known.includes(name)),
  );
}

function splitLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream?.on('error', () => undefined);
}
