import { execFile, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { spawnGuarded, stopGuarded } from './guarded-process.ts';
import { NOBODY, postgresHome, runsAsRoot } from './postgres-binaries.ts';

/**
 * A real PostgreSQL server on loopback, from binaries that npm installed: made, started, stopped.
 * It is durable (fsync on), asks for a password, and never outlives the process that started it.
 */
export interface PostgresServerOptions {
  /** Folder of the cluster; made when empty. Its parents must be searchable by others when we are root. */
  readonly dataDir: string;
  /** 0 or undefined: a free port. */
  readonly port?: number;
  /** Called when the server ends without having been asked to. */
  readonly onExit?: () => void;
  readonly onOutput?: (text: string) => void;
  /** Further settings for postgres, name to value. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class PostgresServer {
  readonly port: number;
  /** As the superuser `postgres`, database `postgres`. */
  readonly url: string;
  readonly dataDir: string;
  #child: ChildProcess;
  #stopping = false;

  private constructor(child: ChildProcess, port: number, password: string, dataDir: string) {
    this.#child = child;
    this.port = port;
    this.dataDir = dataDir;
    this.url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  }

  /** The postmaster's pid, as the server itself wrote it down. */
  get pid(): number {
    return Number.parseInt(fs.readFileSync(path.join(this.dataDir, 'postmaster.pid'), 'utf8'), 10);
  }

  /** Another database of this cluster. */
  urlOf(database: string): string {
    return this.url.replace(/\/postgres$/, `/${database}`);
  }

  /** Makes the cluster if need be, starts it, and waits until it answers. */
  static async start(options: PostgresServerOptions): Promise<PostgresServer> {
    const home = postgresHome();
    const password = await ensureCluster(home, options.dataDir);
    const port = options.port !== undefined && options.port !== 0 ? options.port : await freePort();
    let output = '';
    const settings = { ...DEFAULT_SETTINGS, ...options.settings, port: String(port) };
    const child = spawnGuarded(
      path.join(home, 'bin/postgres'),
      [
        '-D',
        options.dataDir,
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      {
        signal: 'INT',
        ...(runsAsRoot() ? NOBODY : {}),
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
        onOutput: (text) => {
          output = (output + text).slice(-4000);
          options.onOutput?.(text);
        },
      },
    );
    const server = new PostgresServer(child, port, password, options.dataDir);
    const exited = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${output}`)));
    });
    exited.catch(() => undefined);
    await Promise.race([answers(port, () => child.exitCode === null && child.signalCode === null), exited]);

    child.once('exit', () => {
      if (!server.#stopping) options.onExit?.();
    });
    return server;
  }

  /** `fast` ends sessions and writes a checkpoint; `immediate` is a crash: recovery runs at the next start. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    this.#stopping = true;
    if (mode === 'immediate') this.crash();
    await stopGuarded(this.#child);
  }

  /** Ends the server as `pg_ctl stop -m immediate` would; onExit is called when it was not by stop(). */
  crash(): void {
    process.kill(this.pid, 'SIGQUIT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  // A commit is on the disk before it is acknowledged: the first promise rests on these two.
  fsync: 'on',
  synchronous_commit: 'on',
  max_wal_size: '1GB',
  log_min_messages: 'error',
  log_statement: 'none',
};

/** initdb when the folder holds no cluster. The superuser's password lies beside it, readable by its owner. */
async function ensureCluster(home: string, dataDir: string): Promise<string> {
  const passwordFile = `${dataDir}.password`;
  if (fs.existsSync(path.join(dataDir, 'PG_VERSION'))) return fs.readFileSync(passwordFile, 'utf8');
  const password = randomBytes(18).toString('base64url');
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const forServer = path.join(dataDir, '..', `.${path.basename(dataDir)}.pw`);
  fs.writeFileSync(forServer, password, { mode: 0o600 });
  if (runsAsRoot()) {
    fs.chownSync(dataDir, NOBODY.uid, NOBODY.gid);
    fs.chownSync(forServer, NOBODY.uid, NOBODY.gid);
  }
  try {
    await promisify(execFile)(
      path.join(home, 'bin/initdb'),
      [
        '-D',
        dataDir,
        '-U',
        'postgres',
        '-E',
        'UTF8',
        '--locale=C',
        '--auth=scram-sha-256',
        `--pwfile=${forServer}`,
        '--no-sync',
        '--no-instructions',
      ],
      { ...(runsAsRoot() ? NOBODY : {}), env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' } },
    );
  } finally {
    fs.rmSync(forServer, { force: true });
  }
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
  return password;
}

/** Resolves when it is gone, or when the server speaks PostgreSQL: it answers an SSLRequest, and is out of recovery. */
async function answers(port: number, alive: () => boolean): Promise<void> {
  while (alive()) {
    const ready = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.once('connect', () => socket.write(startupMessage()));
      socket.once('data', (answer) => {
        // 'R' asks for the password: accepting connections. 'E' is "the database system is starting up".
        resolve(answer[0] === 0x52);
        socket.destroy();
      });
    });
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function startupMessage(): Buffer {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(196608, 4); // protocol 3.0
  return Buffer.concat([head, parameters]);
}

/** A folder under the temporary folder that the server's account can reach, removed by the caller. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'waybill-'));
  fs.chmodSync(folder, 0o711);
  return folder;
}
