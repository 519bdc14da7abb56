import fs from 'node:fs';
import path from 'node:path';
import { freePort } from '@waybill/lab';
import { connects } from './dovecot.ts';
import { runProgram } from './programs.ts';
import { DOMAIN } from './target.ts';

/**
 * Postfix with its default settings, in a folder of its own, on free ports: mail for the domain of the bench goes to
 * LMTP, submission with TLS and a login relays to the sink. Needs root, as Postfix always does.
 */
export interface Postfix extends AsyncDisposable {
  readonly version: string;
  readonly pid: number;
  readonly ports: { readonly mx: number; readonly submission: number };
  readonly settings: readonly string[];
  /** Queue files that are not finished. */
  queued(): number;
}

export interface PostfixOptions {
  readonly program: string;
  readonly folder: string;
  readonly certificate: string;
  readonly key: string;
  readonly users: readonly string[];
  readonly lmtpPort: number;
  readonly sinkPort: number;
  readonly saslSocket: string;
  /** Further lines of main.cf, and others in place of those below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Settings of the submission door alone. */
  readonly submission?: Readonly<Record<string, string>>;
}

export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const { folder } = options;
  const configuration = path.join(folder, 'etc');
  for (const name of ['etc', 'queue', 'data', 'log'])
    fs.mkdirSync(path.join(folder, name), { recursive: true, mode: 0o755 });
  // What the package installed where: its own account, and its programs' folders.
  const defaults = new Map(
    (
      await runProgram(sibling(options.program, 'postconf'), [
        '-d',
        'daemon_directory',
        'command_directory',
        'mail_owner',
        'mail_version',
        'meta_directory',
      ])
    )
      .split('\n')
      .map((line) => line.split(' = ') as [string, string]),
  );
  const owner = defaults.get('mail_owner') ?? 'postfix';
  await runProgram('chown', [owner, path.join(folder, 'data')]);
  const meta = defaults.get('meta_directory') ?? '/etc/postfix';
  for (const name of [
    'postfix-files',
    'dynamicmaps.cf',
    'post-install',
    'postfix-script',
    'postfix-wrapper',
    'postfix-tls-script',
    'postfix-files.d',
    'dynamicmaps.cf.d',
  ])
    copyIfThere(path.join(meta, name), path.join(configuration, name));
  const ports = { mx: await freePort(), submission: await freePort() };
  fs.writeFileSync(
    path.join(configuration, 'recipients'),
    options.users.map((user) => `${user} ok\n`).join(''),
  );
  fs.writeFileSync(path.join(configuration, 'main.cf'), mainCf(options, configuration));
  fs.writeFileSync(path.join(configuration, 'master.cf'), masterCf(ports, options.submission));
  await runProgram(sibling(options.program, 'postmap'), [
    '-c',
    configuration,
    `hash:${configuration}/recipients`,
  ]);
  const env = { ...process.env, MAIL_CONFIG: configuration };
  await runProgram(options.program, ['-c', configuration, 'start'], { env });
  const stop = async (): Promise<void> => {
    await runProgram(options.program, ['-c', configuration, 'abort'], { env }).catch(() => undefined);
  };
  try {
    for (const deadline = Date.now() + 15_000; !(await connects(ports.mx));) {
      if (Date.now() > deadline)
        throw new Error(`Postfix does not answer: ${lastOf(path.join(folder, 'log/postfix.log'))}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const queues = ['maildrop', 'incoming', 'active', 'deferred'].map((name) =>
    path.join(folder, 'queue', name),
  );
  return {
    version: defaults.get('mail_version') ?? 'unknown',
    pid: Number.parseInt(fs.readFileSync(path.join(folder, 'queue/pid/master.pid'), 'utf8'), 10),
    ports,
    settings: [
      'Postfix’s own defaults, no content filter, no DNS look-ups; queue files synced as always',
      'relay: relayhost, an address',
    ],
    queued: () => queues.reduce((sum, queue) => sum + filesIn(queue), 0),
    [Symbol.asyncDispose]: stop,
  };
}

function sibling(program: string, name: string): string {
  return path.join(path.dirname(program), name);
}

function copyIfThere(from: string, to: string): void {
  if (fs.existsSync(from)) fs.cpSync(from, to, { recursive: true });
}

function lastOf(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').slice(-2000) : 'no log';
}

/** Folders below are looked into: the deferred queue is hashed. */
function filesIn(folder: string): number {
  let files = 0;
  try {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
      files += entry.isDirectory() ? filesIn(path.join(folder, entry.name)) : 1;
  } catch {
    return files; // a hashed folder that is just made or taken away
  }
  return files;
}

function mainCf(its: PostfixOptions, configuration: string): string {
  const own = new Set(Object.keys(its.settings ?? {}));
  const lines = defaultCf(its, configuration)
    .split('\n')
    .filter((line) => !own.has(line.split(' =', 1)[0]!));
  const further = Object.entries(its.settings ?? {}).map(([name, value]) => `${name} = ${value}\n`);
  return lines.join('\n') + further.join('');
}

function defaultCf(its: PostfixOptions, configuration: string): string {
  return `compatibility_level = 3.6
queue_directory = ${its.folder}/queue
data_directory = ${its.folder}/data
meta_directory = ${configuration}
maillog_file = ${its.folder}/log/postfix.log
maillog_file_prefixes = ${its.folder}
multi_instance_enable = yes
myhostname = mx.${DOMAIN}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = ${DOMAIN}
virtual_mailbox_maps = hash:${configuration}/recipients
virtual_transport = lmtp:inet:127.0.0.1:${its.lmtpPort}
relayhost = [127.0.0.1]:${its.sinkPort}
smtp_tls_security_level = none
smtpd_tls_cert_file = ${its.certificate}
smtpd_tls_key_file = ${its.key}
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${its.saslSocket}
smtpd_peername_lookup = no
`;
}

/** The services of the package's own file that mail needs, none in a chroot, and two doors. */
function masterCf(ports: Postfix['ports'], submission: PostfixOptions['submission'] = {}): string {
  const further = Object.entries(submission).map(([name, value]) => `  -o { ${name} = ${value} }\n`);
  return `127.0.0.1:${ports.mx} inet n - n - - smtpd
  -o smtpd_tls_security_level=none
  -o smtpd_relay_restrictions=reject_unauth_destination
127.0.0.1:${ports.submission} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
${further.join('')}pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}
