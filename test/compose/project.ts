import { spawn } from 'node:child_process';
import path from 'node:path';

/** A docker compose project of this repository's own file, with overrides, that is taken away at the end. */
export const ROOT = path.join(import.meta.dirname, '..', '..');

export interface ProjectOptions {
  /** The project's name: containers, networks and volumes begin with it. */
  readonly name: string;
  /** Override files after `docker-compose.yml`, from the root. */
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Project {
  readonly name: string;
  readonly #files: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor(options: ProjectOptions) {
    this.name = options.name;
    this.#files = ['docker-compose.yml', ...(options.files ?? [])];
    this.#env = {
      ...process.env,
      COMPOSE_PROJECT_NAME: this.name,
      COMPOSE_FILE: this.#files.map((file) => path.join(ROOT, file)).join(':'),
      COMPOSE_PROGRESS: 'quiet',
      ...options.env,
    };
  }

  /** `docker compose …`. @throws Error with what it said unless it ends with 0 */
  async compose(args: readonly string[], input?: string): Promise<string> {
    return succeed('docker', ['compose', ...args], {
      env: this.#env,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** A script of the repository, told which project it is about. @throws Error unless it ends with 0 */
  async script(file: string, args: readonly string[]): Promise<string> {
    return succeed(path.join(ROOT, file), args, { env: this.#env });
  }

  /** The tool: `docker compose run --rm waybill …`. */
  async tool(args: readonly string[], input?: string): Promise<string> {
    return this.compose(['run', '--rm', '-T', 'waybill', ...args], input);
  }

  /** Ids of a service's containers that run. */
  async containers(service: string): Promise<string[]> {
    return words(await this.compose(['ps', '-q', service]));
  }

  /** Everything of the project, volumes too, and containers that others put on its networks. */
  async remove(): Promise<void> {
    const guests = words(
      await docker(['ps', '-aq', '--filter', `label=waybill.trial=${this.name}`]).catch(() => ''),
    );
    if (guests.length > 0) await docker(['rm', '-f', ...guests]);
    await this.compose(['--profile', '*', 'down', '-v', '--remove-orphans', '-t', '5']);
  }
}

/** `docker …`. @throws Error with what it said unless it ends with 0 */
export function docker(args: readonly string[], input?: string): Promise<string> {
  return succeed('docker', args, input === undefined ? {} : { input });
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** ms; ten minutes when not given. */
  readonly timeout?: number;
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: options.env ?? process.env,
      stdio: 'pipe',
      timeout: options.timeout ?? 600_000,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {}); // It may end without reading all: its exit code tells.
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}

async function succeed(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const ran = await run(command, args, options);
  if (ran.code === 0) return ran.stdout;
  throw new Error(
    `${[command, ...args].join(' ')} ended with ${ran.code}: ${(ran.stderr + ran.stdout).slice(-2000)}`,
  );
}

export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
