import { execFileSync, spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';

/**
 * The foreign programs that the suite is tried with: where they are, what they are missing, and how a
 * test runs one. A test never pretends: without its program it registers nothing, and says so.
 */
export interface Program {
  /** As it is called on the command line. */
  readonly command: string;
  /** Debian's packages that bring it, with what it needs for TLS. */
  readonly packages: readonly string[];
  /** Arguments of a harmless call that fails when the program lacks what the tests need. */
  readonly probe: readonly string[];
}

export const PROGRAMS = {
  curl: { command: 'curl', packages: ['curl'], probe: ['--version'] },
  mutt: { command: 'mutt', packages: ['mutt'], probe: ['-v'] },
  // mutt draws only on a terminal; script gives it one.
  script: { command: 'script', packages: ['bsdutils'], probe: ['--version'] },
  mbsync: { command: 'mbsync', packages: ['isync'], probe: ['--version'] },
  // What mbsync logs in with beyond passwords; there is no program to ask.
  'Cyrus SASL': {
    command: 'sh',
    packages: ['libsasl2-modules'],
    probe: ['-c', 'ls /usr/lib/*/sasl2/libscram.so* /usr/lib/sasl2/libscram.so* 2>/dev/null | grep -q .'],
  },
  python: {
    command: 'python3',
    packages: ['python3'],
    probe: ['-c', 'import imaplib, poplib, smtplib, ssl'],
  },
  swaks: { command: 'swaks', packages: ['swaks', 'libnet-ssleay-perl'], probe: ['--support'] },
  // An mta in the place of ours; it only runs as root, and is often outside of PATH.
  postfix: {
    command: 'sh',
    packages: ['postfix'],
    probe: ['-c', 'test "$(id -u)" = 0 && PATH="$PATH:/usr/sbin" postconf -d mail_version'],
  },
  // Its LMTP in the place of mda, and its own programs as clients of auth. The settings that the tests write are those of 2.3.
  dovecot: {
    command: 'sh',
    packages: ['dovecot-lmtpd', 'dovecot-imapd', 'dovecot-pop3d'],
    probe: [
      '-c',
      'PATH="$PATH:/usr/sbin" && command -v doveadm && dovecot --version | grep -q "^2[.]3[.]" && test -x /usr/lib/dovecot/lmtp',
    ],
  },
  // Other signers and verifiers of DKIM.
  'python3-dkim': {
    command: 'python3',
    packages: ['python3-dkim', 'python3-nacl'],
    probe: ['-c', 'import dkim, nacl'],
  },
  opendkim: {
    command: 'sh',
    packages: ['opendkim'],
    probe: ['-c', 'PATH="$PATH:/usr/sbin" && opendkim -V | grep -q ed25519-sha256'],
  },
  // swaks runs without this module, but then it has no TLS.
  'Net::SSLeay': { command: 'perl', packages: ['libnet-ssleay-perl'], probe: ['-MNet::SSLeay', '-e', '1'] },
} as const satisfies Record<string, Program>;

export type ProgramName = keyof typeof PROGRAMS;

/** Which programs each test file drives. A file without its programs is not run. */
export const TESTS: Readonly<Record<string, readonly ProgramName[]>> = {
  'curl.test.ts': ['curl'],
  'mutt.test.ts': ['mutt', 'script'],
  'mbsync.test.ts': ['mbsync'],
  'tokens.test.ts': ['curl'],
  'scram.test.ts': ['mutt', 'mbsync', 'Cyrus SASL'],
  'python.test.ts': ['python'],
  'postfix.test.ts': ['postfix'],
  'postfix-asks-auth.test.ts': ['postfix', 'swaks', 'Net::SSLeay'],
  'dovecot.test.ts': ['dovecot'],
  'dkim.test.ts': ['python3-dkim', 'opendkim'],
  'swaks.test.ts': ['swaks', 'Net::SSLeay'],
};

/** Whether the program is on PATH and does what the tests need. */
export function isPresent(name: ProgramName): boolean {
  const { command, probe } = PROGRAMS[name];
  try {
    execFileSync(command, probe, { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** The test files whose programs are here, and one line for each program that is not. */
export function runnable(): { readonly files: readonly string[]; readonly missing: readonly ProgramName[] } {
  const names = [...new Set(Object.values(TESTS).flat())];
  const missing = names.filter((name) => !isPresent(name));
  const files = Object.entries(TESTS)
    .filter(([, needs]) => !needs.some((name) => missing.includes(name)))
    .map(([file]) => path.join('test/interop', file));
  return { files, missing };
}

/** What to say of a missing program. */
export function notFound(name: ProgramName): string {
  return `NOT FOUND: ${name} (Debian: apt-get install ${PROGRAMS[name].packages.join(' ')})`;
}

/** First line of a test file: ends the file, with one line for each missing program and no test, unless all are here. */
export function needs(file: string): void {
  const missing = (TESTS[path.basename(file)] ?? []).filter((name) => !isPresent(name));
  if (missing.length === 0) return;
  for (const name of missing) console.log(`${notFound(name)}; ${path.basename(file)} did not run`);
  process.exit(0);
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Ran {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: Buffer;
  /** Both outputs as text, in the order in which they came, for messages and patterns. */
  readonly said: string;
}

/**
 * Runs a program to its end, with a clean environment (no configuration of whoever runs the tests).
 * @throws Error when it cannot be started or takes longer than 30 s.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: cleanEnvironment(options.env),
      stdio: 'pipe',
      timeout: 30_000,
    });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => void (out.push(chunk), said.push(chunk)));
    child.stderr.on('data', (chunk: Buffer) => void said.push(chunk));
    child.stdin.on('error', () => {}); // It may end without reading all: its exit code tells.
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(out), said: Buffer.concat(said).toString() }),
    );
  });
}

/** PATH and a plain locale: nothing else of the caller's reaches the program. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'] ?? '',
    PYENV_VERSION: process.env['PYENV_VERSION'] ?? '',
    HOME: os.tmpdir(),
    LC_ALL: 'C.UTF-8',
    TERM: 'vt100',
    ...extra,
  };
}
