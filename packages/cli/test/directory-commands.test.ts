import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AuthClient } from '@waybill/auth-client';
import { directorySchema } from '@waybill/auth/schema';
import { signingSchema } from '@waybill/signing';
import { CertificateAuthority, temporaryFolder, testDatabase } from '@waybill/lab';

/** The tool as a child process, against auth as a child process, on a real database. */
const services = fileURLToPath(new URL('../../../services/', import.meta.url));
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

const db = await testDatabase([directorySchema, signingSchema]);
const folder = temporaryFolder();
const authority = await CertificateAuthority.create('test authority');
fs.writeFileSync(path.join(folder, 'ca.pem'), authority.certificate);
for (const name of ['auth', 'operator', 'mra']) await authority.issueInto(folder, name, [name]);
const at = (name: string): string => path.join(folder, name);
const { child: auth, port } = await startAuth();
after(async () => {
  const ended = new Promise((resolve) => auth.once('exit', resolve));
  auth.kill('SIGTERM');
  await ended;
  await db[Symbol.asyncDispose]();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Starts auth and waits until it says that it listens. */
async function startAuth(): Promise<{ child: ReturnType<typeof spawn>; port: number }> {
  const child = spawn(process.execPath, [path.join(services, 'auth/src/main.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      WAYBILL_OPS_HOST: '127.0.0.1',
      WAYBILL_OPS_PORT: '0',
      WAYBILL_EXIT_WITH_PARENT: 'true',
      WAYBILL_DRAIN_SECONDS: '0',
      WAYBILL_DATABASE_URL: db.urlAs('auth'),
      WAYBILL_LISTEN_HOST: '127.0.0.1',
      WAYBILL_AUTH_PORT: '0',
      WAYBILL_TLS_CA_FILE: at('ca.pem'),
      WAYBILL_TLS_CERT_FILE: at('auth.pem'),
      WAYBILL_TLS_KEY_FILE: at('auth.key'),
    },
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const found = /"port":(\d+)[^\n]*"listening"/.exec(said)?.[1];
    if (found === undefined) continue;
    return { child, port: Number(found) };
  }
  throw new Error(`auth did not start: ${said}`);
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function waybill(args: readonly string[], input = '', extra: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      PATH: process.env['PATH'],
      WAYBILL_AUTH: `127.0.0.1:${port}`,
      WAYBILL_AUTH_CA_FILE: at('ca.pem'),
      WAYBILL_AGENT_CERT_FILE: at('operator.pem'),
      WAYBILL_AGENT_KEY_FILE: at('operator.key'),
      ...extra,
    },
  });
  child.stdin.on('error', () => undefined).end(input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, out, err };
}

async function canLogIn(username: string, password: string): Promise<boolean> {
  await using client = new AuthClient({
    addresses: `127.0.0.1:${port}`,
    ca: authority.certificate,
    cert: fs.readFileSync(at('mra.pem'), 'utf8'),
    key: fs.readFileSync(at('mra.key'), 'utf8'),
  });
  const answer = await client.authenticate({ username, password, client: '192.0.2.1', protocol: 'imap' });
  return answer.status === 'ok';
}

test('domains, users and aliases are added, listed and removed', async () => {
  assert.match((await waybill(['domain', 'add', 'Red.Test', '--route', 'mx'])).out, /red\.test is ours/);
  assert.deepEqual(JSON.parse((await waybill(['domain', 'ls', '--json'])).out), [
    { name: 'red.test', route: 'mx', recipients: 'listed' },
  ]);

  const added = await waybill(['user', 'add', 'alice@red.test', '--password-stdin'], 'correct horse\n');
  assert.equal(added.code, 0, added.err);
  assert.ok(await canLogIn('alice@red.test', 'correct horse'));
  assert.match((await waybill(['user', 'ls', 'red.test'])).out, /^alice@red\.test +active +unlimited/m);

  assert.equal(
    (await waybill(['alias', 'add', 'sales@red.test', 'alice@red.test', 'x@far.example'])).code,
    0,
  );
  assert.match((await waybill(['alias', 'ls'])).out, /^sales@red\.test +alice@red\.test, x@far\.example$/m);
  assert.equal((await waybill(['alias', 'rm', 'sales@red.test', 'x@far.example'])).code, 0);
  assert.deepEqual(JSON.parse((await waybill(['alias', 'ls', '--json'])).out), [
    { address: 'sales@red.test', targets: ['alice@red.test'] },
  ]);

  const inUse = await waybill(['domain', 'rm', 'red.test']);
  assert.equal(inUse.code, 1);
  assert.match(inUse.err, /still has accounts or aliases/);
  for (const args of [
    ['alias', 'rm', 'sales@red.test'],
    ['user', 'rm', 'alice@red.test'],
    ['domain', 'rm', 'red.test'],
  ])
    assert.equal((await waybill(args)).code, 0, args.join(' '));
  assert.deepEqual(JSON.parse((await waybill(['domain', 'ls', '--json'])).out), []);
});

test('a password comes from a file, from standard input, or is made and printed', async () => {
  await waybill(['domain', 'add', 'blue.test']);
  fs.writeFileSync(at('secret'), 'from a file\n');
  assert.equal((await waybill(['user', 'add', 'bob@blue.test', '--password-file', at('secret')])).code, 0);
  assert.ok(await canLogIn('bob@blue.test', 'from a file'));

  const changed = await waybill(['user', 'passwd', 'bob@blue.test', '--generate', '--json']);
  const { password } = JSON.parse(changed.out) as { password: string };
  assert.ok(await canLogIn('bob@blue.test', password));
  assert.ok(!(await canLogIn('bob@blue.test', 'from a file')));

  const phone = await waybill(
    ['user', 'passwd', 'bob@blue.test', '--label', 'phone', '--password-stdin'],
    'second',
  );
  assert.equal(phone.code, 0);
  assert.ok(await canLogIn('bob@blue.test', 'second'));
  assert.ok(await canLogIn('bob@blue.test', password));
});

test('a hash of another server is taken, and opens the account', async () => {
  // {SSHA}: SHA-1 of "geheim" and the salt "salt", then the salt.
  const digest = createHash('sha1').update('geheimsalt').digest();
  const hash = `{SSHA}${Buffer.concat([digest, Buffer.from('salt')]).toString('base64')}\n`;
  const added = await waybill(['user', 'add', 'dave@blue.test', '--password-hash'], hash);
  assert.equal(added.code, 0, added.err);
  assert.ok(await canLogIn('dave@blue.test', 'geheim'));
  const unknown = await waybill(['user', 'passwd', 'dave@blue.test', '--password-hash'], '{CRAM-MD5}abc');
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /\{CRAM-MD5\} is not known; known are .*\{SHA512-CRYPT\}/);
});

test('an app password is shown once, listed without itself, and removed alone', async () => {
  const added = await waybill([
    'user',
    'app-password',
    'add',
    'bob@blue.test',
    'phone',
    '--scope',
    'imap',
    '--json',
  ]);
  const { password, scopes } = JSON.parse(added.out) as { password: string; scopes: string[] };
  assert.deepEqual(scopes, ['imap']);
  assert.ok(await canLogIn('bob@blue.test', password));
  const listed = await waybill(['user', 'app-password', 'ls', 'bob@blue.test']);
  assert.match(listed.out, /^phone +imap +\d{4}-/m);
  assert.ok(!listed.out.includes(password));
  assert.equal((await waybill(['user', 'app-password', 'rm', 'bob@blue.test', 'phone'])).code, 0);
  assert.ok(!(await canLogIn('bob@blue.test', password)));
});

test('grants, limits and holds are said, shown and taken back', async () => {
  assert.match(
    (await waybill(['user', 'grant', 'add', 'bob@blue.test', '@Far.example'])).out,
    /may send as @far\.example/,
  );
  assert.deepEqual(JSON.parse((await waybill(['user', 'grant', 'ls', 'bob@blue.test', '--json'])).out), [
    { sender: '@far.example' },
  ]);
  assert.equal((await waybill(['user', 'grant', 'rm', 'bob@blue.test', '@far.example'])).code, 0);
  assert.equal((await waybill(['user', 'grant', 'rm', 'bob@blue.test', '@far.example'])).code, 3);
  const limited = await waybill(['user', 'limit', 'bob@blue.test', '--messages-per-day', '7', '--json']);
  assert.equal((JSON.parse(limited.out) as { messagesPerDay: number }).messagesPerDay, 7);
  assert.match(
    (await waybill(['user', 'limit', 'bob@blue.test', '--messages-per-day', 'default'])).out,
    /messages per day: as auth's settings say/,
  );
  assert.equal((await waybill(['user', 'hold', 'bob@blue.test', '--reason', 'a stolen password'])).code, 0);
  assert.match(
    (await waybill(['user', 'ls', 'blue.test'])).out,
    /^bob@blue\.test +active, held: a stolen password/m,
  );
  assert.equal((await waybill(['user', 'release', 'bob@blue.test'])).code, 0);
  assert.match((await waybill(['user', 'ls', 'blue.test'])).out, /^bob@blue\.test +active +unlimited/m);
});

test('bans are said with reason and end, listed and lifted', async () => {
  const added = await waybill([
    'ban',
    'add',
    '198.51.100.77/24',
    '--reason',
    'guesses passwords',
    '--for',
    '2h',
  ]);
  assert.match(added.out, /^198\.51\.100\.0\/24 is not heard until \d{4}-/);
  assert.match(
    (await waybill(['ban', 'ls'])).out,
    /^198\.51\.100\.0\/24 +\S+ +operator +guesses passwords$/m,
  );
  assert.equal((await waybill(['ban', 'rm', '198.51.100.0/24'])).code, 0);
  assert.equal((await waybill(['ban', 'rm', '198.51.100.0/24'])).code, 3);
});

test('a domain says what becomes of mail that fails DMARC', async () => {
  const set = await waybill(['domain', 'policy', 'blue.test', '--on-reject', 'junk']);
  assert.match(set.out, /blue\.test: on reject junk\./);
  assert.match((await waybill(['domain', 'ls'])).out, /^blue\.test +local +listed +on reject junk/m);
  assert.match(
    (await waybill(['domain', 'policy', 'blue.test', '--on-reject', 'default'])).out,
    /as mx is configured/,
  );
});

test('new DKIM keys are made, said with what to publish, and sign at once when they must', async () => {
  const made = await waybill(['domain', 'rotate-dkim', 'blue.test']);
  assert.match(made.out, /^Publish these[^]*_domainkey\.blue\.test\. 3600 IN TXT "v=DKIM1; k=rsa; p=/);
  assert.match(made.out, /\(ed25519-sha256\) signs since 20/);
  const now = await waybill(['domain', 'rotate-dkim', 'blue.test', '--now', '--json']);
  const { keys } = JSON.parse(now.out) as { keys: { state: string; record: string }[] };
  assert.deepEqual(
    keys.map(({ state }) => state),
    ['active', 'active', 'retiring', 'retiring'],
  );
  assert.doesNotMatch(now.out, /PRIVATE/);
});

test('without a terminal a password is asked for by naming the ways', async () => {
  const { code, err } = await waybill(['user', 'add', 'carol@blue.test']);
  assert.equal(code, 2);
  assert.match(err, /--password-stdin, --password-file FILE or --generate/);
});

const FAULTS: readonly (readonly [args: string, code: number, says: RegExp])[] = [
  ['user rm nobody@blue.test', 3, /there is no account nobody@blue\.test/],
  ['user passwd nobody@blue.test --generate', 3, /there is no account/],
  ['alias add x@nowhere.test y@blue.test', 3, /nowhere\.test is not in the directory; add it first/],
  ['domain add blue.test', 1, /already/],
  ['domain add blue..test@', 1, /is not a domain/],
  ['domain add pink.test --route sideways', 1, /a route is local, mx, or lmtp:\/\/host:port/],
  ['user add bob@blue.test --password hunter2', 2, /a password is never an option/],
  ['user ad bob@blue.test', 2, /did you mean "add"/],
  ['user add', 2, /needs ADDRESS/],
  ['user ls a b', 2, /does not take "b"/],
  ['user grant', 2, /user grant add, user grant ls, user grant rm/],
  ['user grant ad bob@blue.test x@y.test', 2, /did you mean "grant add"/],
  ['user app-password add bob@blue.test phone --scope web', 2, /smtp, imap, pop3/],
  ['user grant add bob@blue.test nonsense', 1, /neither an address nor @domain/],
  ['ban add 10.0.0.0/4', 1, /too much of the internet/],
  ['ban add red.test', 1, /neither an IP address nor a network/],
  ['ban add 192.0.2.1 --for ever', 2, /a time like 30m/],
  ['domain policy blue.test --on-reject bounce', 2, /reject, junk, accept, default/],
  ['domain rotate-dkim nowhere.test', 3, /not in the directory/],
  ['domain policy nowhere.test', 3, /not in the directory/],
  ['usr ls', 2, /did you mean "user"/],
  ['user ls --jsn', 2, /did you mean "json"/],
  ['user add x@blue.test --generate --quota-bytes lots', 2, /takes a number/],
];
for (const [args, code, says] of FAULTS) {
  test(`waybill ${args}: exit ${code}`, async () => {
    const ran = await waybill(args.split(' '));
    assert.match(ran.err, says);
    assert.equal(ran.code, code);
    assert.equal(ran.out, '');
  });
}

test('missing settings are all named, with the way out', async () => {
  const { code, err } = await waybill(['user', 'ls'], '', {
    WAYBILL_AUTH_CA_FILE: '',
    WAYBILL_AGENT_KEY_FILE: '',
  });
  assert.equal(code, 1);
  assert.match(err, /WAYBILL_AUTH_CA_FILE is missing[^]*WAYBILL_AGENT_KEY_FILE is missing[^]*--data DIR/);
});

test('an auth that is not there is said plainly', async () => {
  const { code, err } = await waybill(['user', 'ls'], '', { WAYBILL_AUTH: '127.0.0.1:1' });
  assert.equal(code, 1);
  assert.match(err, /auth cannot be reached: .*ECONNREFUSED/);
});

test("an agent's certificate is no operator's", async () => {
  const { code, err } = await waybill(['user', 'ls'], '', {
    WAYBILL_AGENT_CERT_FILE: at('mra.pem'),
    WAYBILL_AGENT_KEY_FILE: at('mra.key'),
  });
  assert.equal(code, 1);
  assert.match(err, /mra may not accounts\/list/);
});
