import { type ChildProcess, spawn } from 'node:child_process';
import { argon2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '@waybill/lab';
import { PASSWORD } from './target.ts';
import { runProgram } from './programs.ts';

/**
 * Dovecot 2.3 with its default settings, in a folder of its own, on free ports: LMTP for Postfix, IMAP and POP3 with
 * TLS. Needs no root: as an ordinary user every process of it is that user's.
 */
export interface Dovecot extends AsyncDisposable {
  readonly version: string;
  readonly pid: number;
  readonly ports: { readonly lmtp: number; readonly imap: number; readonly pop3: number };
  /** Where Postfix asks whether a login is right. */
  readonly saslSocket: string;
  readonly settings: readonly string[];
}

export const FORMATS = ['maildir', 'mdbox', 'sdbox'] as const;
export type MailFormat = (typeof FORMATS)[number];

export interface DovecotOptions {
  readonly program: string;
  /** Its parents must be searchable by all. */
  readonly folder: string;
  readonly certificate: string;
  readonly key: string;
  readonly users: readonly string[];
  /** The one of them whose password is kept in clear. */
  readonly clear: string;
  readonly format: MailFormat;
}

/** The owner of the mail when we are root: the numbers of `nobody` on most systems; nothing is looked up by name. */
const NOBODY = 65534;

export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  const version = (await runProgram(options.program, ['--version'])).trim().split(' ')[0] ?? '';
  if (!version.startsWith('2.3.')) throw new Error(`Dovecot ${version}: settings are known for 2.3 only`);
  const { folder } = options;
  for (const name of ['run', 'state', 'mail'])
    fs.mkdirSync(path.join(folder, name), { recursive: true, mode: 0o755 });
  const root = process.getuid?.() === 0;
  const uid = root ? NOBODY : os.userInfo().uid;
  const gid = root ? NOBODY : os.userInfo().gid;
  if (root) fs.chownSync(path.join(folder, 'mail'), uid, gid);
  const ports = { lmtp: await freePort(), imap: await freePort(), pop3: await freePort() };
  const users = path.join(folder, 'users');
  const stored = storedPassword();
  const line = (user: string): string =>
    user === options.clear ? `${user}:{PLAIN}${PASSWORD}\n` : `${user}:{ARGON2ID}${stored}\n`;
  fs.writeFileSync(users, options.users.map(line).join(''), { mode: 0o644 });
  const file = path.join(folder, 'dovecot.conf');
  fs.writeFileSync(file, configuration({ ...options, users, ports, uid, gid, root }));
  const child = spawn(options.program, ['-F', '-c', file], { stdio: 'ignore', detached: true });
  await answers(child, ports.imap, path.join(folder, 'dovecot.log'));
  return {
    version,
    pid: child.pid ?? 0,
    ports,
    saslSocket: path.join(folder, 'run/sasl'),
    settings: [
      `Dovecot’s own defaults (mail_fsync optimized, one login process per connection), mail in ${options.format}`,
      'passwords argon2id of the same cost as Waybill’s, kept in a file',
    ],
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** What `auth` stores for a password, once for all users of the bench. */
function storedPassword(): string {
  const nonce = randomBytes(16);
  const cost = { memory: 19_456, passes: 2, parallelism: 1 };
  const hash = argon2Sync('argon2id', { message: PASSWORD, nonce, ...cost, tagLength: 32 });
  const text = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${text(nonce)}$${text(hash)}`;
}

interface Configuration {
  readonly folder: string;
  readonly certificate: string;
  readonly key: string;
  readonly users: string;
  readonly ports: Dovecot['ports'];
  readonly format: MailFormat;
  readonly uid: number;
  readonly gid: number;
  readonly root: boolean;
}

function configuration(its: Configuration): string {
  return `base_dir = ${its.folder}/run
state_dir = ${its.folder}/state
log_path = ${its.folder}/dovecot.log
listen = 127.0.0.1
protocols = imap pop3 lmtp
ssl = required
ssl_cert = <${its.certificate}
ssl_key = <${its.key}
auth_mechanisms = plain login
mail_location = ${its.format}:~/mail
mail_max_userip_connections = 100000
default_client_limit = 8000
default_process_limit = 4096
passdb {
  driver = passwd-file
  args = ${its.users}
}
userdb {
  driver = static
  args = uid=${its.uid} gid=${its.gid} home=${its.folder}/mail/%u
}
namespace inbox {
  inbox = yes
}
service auth {
  unix_listener sasl {
    mode = 0666
  }
}
${login('imap', its.ports.imap)}
${login('pop3', its.ports.pop3)}
service lmtp {
  inet_listener lmtp {
    port = ${its.ports.lmtp}
  }
}
${its.root ? '' : withoutRoot()}`;
}

/** Only the port with TLS from the first octet. */
function login(protocol: 'imap' | 'pop3', port: number): string {
  return `service ${protocol}-login {
  inet_listener ${protocol} {
    port = 0
  }
  inet_listener ${protocol}s {
    port = ${port}
    ssl = yes
  }
}`;
}

/** Nothing may change its user or its root folder then. */
function withoutRoot(): string {
  const { username } = os.userInfo();
  const bare = ['anvil', 'imap-login', 'pop3-login', 'imap-urlauth-login', 'stats'];
  return `default_internal_user = ${username}
default_internal_group = ${username}
default_login_user = ${username}
first_valid_uid = 0
first_valid_gid = 0
${bare.map((service) => `service ${service} {\n  chroot =\n}`).join('\n')}
service auth-worker {
  user = ${username}
}
service lmtp {
  user = ${username}
}
`;
}

/** Resolves when its IMAP port answers. @throws Error with its log when it ends before, or after 15 s */
async function answers(child: ChildProcess, port: number, log: string): Promise<void> {
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  for (const deadline = Date.now() + 15_000; Date.now() < deadline;) {
    if (failed !== undefined) throw failed;
    if (child.exitCode !== null || child.signalCode !== null) break;
    if (await connects(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(
    `Dovecot did not start: ${fs.existsSync(log) ? fs.readFileSync(log, 'utf8').slice(-2000) : 'no log'}`,
  );
}

/** Whether somebody listens on this port of loopback. */
export function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
