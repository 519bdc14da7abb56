import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { spawnGuarded, stopGuarded } from './guarded-process.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './postgres-server.ts';

/**
 * A real Redis (or Valkey) on loopback, from a server found on PATH: started, stopped, flushed by
 * tests. It keeps nothing on the disk and never outlives the process that started it.
 */
export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** A free one when not given. */
  readonly port?: number;
  /** Working folder; a temporary one when not given, removed at the end. */
  readonly dir?: string;
  /** Called when the server ends without having been asked to. */
  readonly onExit?: () => void;
}

const NAMES = ['redis-server', 'valkey-server'];

/** Where a Redis-compatible server is, or undefined. */
export function findRedis(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter))
    for (const name of NAMES) {
      const file = path.join(folder, name);
      try {
        fs.accessSync(file, fs.constants.X_OK);
        if (folder !== '' && fs.statSync(file).isFile()) return file;
      } catch {
        continue;
      }
    }
  return undefined;
}

/** Starts a server and waits until it answers; undefined when none is installed. @throws Error when it does not start */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer | undefined> {
  const command = findRedis();
  if (command === undefined) return undefined;
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? temporaryFolder();
  let output = '';
  let stopping = false;
  const child = spawnGuarded(
    command,
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'],
    {
      signal: 'TERM',
      onOutput: (text) => {
        output = (output + text).slice(-4000);
      },
    },
  );
  const exited = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`${command} did not start:\n${output}`)));
  });
  exited.catch(() => undefined);
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  const pid = await Promise.race([serverPid(port, alive), exited]);
  child.once('exit', () => {
    if (!stopping) options.onExit?.();
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    pid,
    async stop() {
      stopping = true;
      await stopGuarded(child);
      if (options.dir === undefined) fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Asks the server for its process id until it answers, or never will: then it does not resolve. */
async function serverPid(port: number, alive: () => boolean): Promise<number> {
  while (alive()) {
    const pid = await new Promise<number | undefined>((resolve) => {
      let answer = '';
      const socket = net.connect(port, '127.0.0.1');
      socket.once('error', () => resolve(undefined));
      socket.once('close', () => resolve(undefined));
      socket.once('connect', () => socket.write('INFO server\r\n'));
      socket.on('data', (data) => {
        answer += data.toString('latin1');
        const at = answer.indexOf('process_id:');
        if (at < 0 || !answer.includes('\r\n', at)) return;
        resolve(Number.parseInt(answer.slice(at + 'process_id:'.length), 10));
        socket.destroy();
      });
    });
    if (pid !== undefined) return pid;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return new Promise(() => undefined);
}
