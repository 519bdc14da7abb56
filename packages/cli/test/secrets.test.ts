import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { CertificateAuthority } from '@waybill/certificates';
import { temporaryFolder } from '@waybill/lab';
import { AGENT_ROLES } from '@waybill/postgres';
import { isFresh } from '../src/secrets/certificate-pair.ts';
import { readGivenPair } from '../src/secrets/given-pair.ts';
import { makeSecrets, type SecretsPlan } from '../src/secrets/make-secrets.ts';
import { tool } from '../src/tool.ts';

/** `waybill secrets`: what it makes, what it leaves, and who may read it. */
const parent = temporaryFolder();
after(() => fs.rmSync(parent, { recursive: true, force: true }));
let folders = 0;

const uid = process.getuid?.() ?? 0;
const PLAN: SecretsPlan = {
  hostname: 'mail.red.test',
  owners: { agents: uid === 0 ? 1000 : uid, postgres: uid === 0 ? 999 : uid, redis: uid === 0 ? 999 : uid },
  database: { at: 'postgres:5432', name: 'waybill', admin: 'postgres' },
  redis: 'redis:6379',
  renew: false,
};

function freshRoot(): string {
  return path.join(parent, String(folders++));
}

/** Every file below a folder, by its path in it. */
function contents(root: string): Map<string, string> {
  const files = fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(files.toSorted().map((file) => [path.relative(root, file), fs.readFileSync(file, 'utf8')]));
}

const certificateOf = (root: string, file: string): X509Certificate =>
  new X509Certificate(fs.readFileSync(path.join(root, file)));

test('each reader has a folder with its own part and nothing else', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const agent = ['agent.key', 'agent.pem', 'ca.pem', 'database-url'];
  const expected: Record<string, string[]> = {
    authority: ['ca.key', 'ca.pem'],
    migrate: ['admin-database-url', ...AGENT_ROLES.map((role) => `role-password-${role}`)],
    postgres: ['password'],
    redis: ['password', 'redis.conf'],
    public: ['tls.crt', 'tls.key'],
  };
  for (const role of AGENT_ROLES) expected[role] = role === 'auth' ? agent : [...agent, 'redis-url'];
  assert.deepEqual(fs.readdirSync(root).toSorted(), Object.keys(expected).toSorted());
  for (const [folder, files] of Object.entries(expected))
    assert.deepEqual(fs.readdirSync(path.join(root, folder)).toSorted(), files.toSorted(), folder);
});

test('a file can be read by its reader and by nobody else', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  for (const [file] of contents(root)) {
    const { mode, uid: owner } = fs.statSync(path.join(root, file));
    assert.equal(mode & 0o777, 0o400, file);
    assert.equal(fs.statSync(path.dirname(path.join(root, file))).mode & 0o777, 0o700, file);
    const reader = file.startsWith('authority/')
      ? uid
      : /^(postgres|redis)\//.test(file)
        ? PLAN.owners.postgres
        : PLAN.owners.agents;
    assert.equal(owner, reader, file);
  }
});

test('an agent logs in with its own name and the password that migrate gives it', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const files = contents(root);
  const passwords = new Set<string>();
  for (const role of AGENT_ROLES) {
    const url = new URL(files.get(`${role}/database-url`)!);
    assert.equal(url.username, `waybill_${role}`);
    assert.equal(url.host, 'postgres:5432');
    assert.equal(url.pathname, '/waybill');
    assert.equal(url.password, files.get(`migrate/role-password-${role}`));
    passwords.add(url.password);
  }
  assert.equal(new URL(files.get('migrate/admin-database-url')!).password, files.get('postgres/password'));
  passwords.add(files.get('postgres/password')!).add(files.get('redis/password')!);
  assert.equal(passwords.size, AGENT_ROLES.length + 2, 'no two are the same');
  assert.equal(files.get('redis/redis.conf'), `requirepass ${files.get('redis/password')}\n`);
  assert.equal(files.get('mx/redis-url'), `redis://:${files.get('redis/password')}@redis:6379/0`);
});

test('an agent’s certificate speaks for it first, and one authority issued all', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const authority = certificateOf(root, 'authority/ca.pem');
  for (const role of AGENT_ROLES) {
    const certificate = certificateOf(root, `${role}/agent.pem`);
    assert.equal(certificate.subjectAltName?.split(', ')[0], `DNS:${role}`);
    assert.ok(certificate.verify(authority.publicKey));
    assert.equal(certificateOf(root, `${role}/ca.pem`).fingerprint256, authority.fingerprint256);
  }
  const shown = certificateOf(root, 'public/tls.crt');
  assert.ok(shown.checkHost('mail.red.test') !== undefined && shown.checkIP('127.0.0.1') !== undefined);
});

test('a second run changes nothing', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const before = contents(root);
  assert.deepEqual(await makeSecrets(root, PLAN), []);
  assert.deepEqual(contents(root), before);
});

test('what is missing is made from its other half', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const before = contents(root);
  for (const file of ['postgres/password', 'migrate/role-password-mx', 'mda/database-url', 'mra/redis-url'])
    fs.rmSync(path.join(root, file));
  await makeSecrets(root, PLAN);
  assert.deepEqual(contents(root), before);
});

test('a login that somebody wrote stays', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const file = path.join(root, 'mx/database-url');
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, 'postgres://waybill_mx:theirs@elsewhere:6432/mail\n');
  await makeSecrets(root, PLAN);
  assert.equal(fs.readFileSync(file, 'utf8'), 'postgres://waybill_mx:theirs@elsewhere:6432/mail\n');
});

test('--renew issues certificates anew and leaves the passwords', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const before = contents(root);
  await makeSecrets(root, { ...PLAN, renew: true });
  for (const [file, content] of contents(root)) {
    const isCertificate = /^(?!authority).*(agent\.(pem|key)|tls\.(crt|key))$/.test(file);
    assert.equal(content !== before.get(file), isCertificate, file);
  }
});

test('a certificate is renewed when less than a third of its life is left', async () => {
  const authority = await CertificateAuthority.create('test authority');
  const certificate = new X509Certificate((await authority.issue(['mx'])).certificate);
  const from = Date.parse(certificate.validFrom);
  const life = Date.parse(certificate.validTo) - from;
  assert.ok(isFresh(certificate, from + life * 0.6));
  assert.ok(!isFresh(certificate, from + life * 0.7));
});

test('certificates of an authority that is gone are replaced', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  fs.rmSync(path.join(root, 'authority'), { recursive: true });
  await makeSecrets(root, PLAN);
  const authority = certificateOf(root, 'authority/ca.pem');
  for (const role of AGENT_ROLES) {
    assert.ok(certificateOf(root, `${role}/agent.pem`).verify(authority.publicKey));
    assert.equal(certificateOf(root, `${role}/ca.pem`).fingerprint256, authority.fingerprint256);
  }
});

test('a new name of the server gets a new public certificate', async () => {
  const root = freshRoot();
  await makeSecrets(root, PLAN);
  const said = await makeSecrets(root, { ...PLAN, hostname: 'mail.blue.test' });
  assert.equal(said.length, 1);
  assert.ok(certificateOf(root, 'public/tls.crt').checkHost('mail.blue.test') !== undefined);
});

test('a certificate that was given is shown, and stays when it is given no more', async () => {
  const root = freshRoot();
  const { certificate, key } = await (
    await CertificateAuthority.create('the world’s')
  ).issue(['mail.red.test']);
  await makeSecrets(root, PLAN);
  const given = { ...PLAN, given: { certificate, key } };
  assert.deepEqual(await makeSecrets(root, given), ['public: the certificate that was given']);
  assert.deepEqual(await makeSecrets(root, given), []);
  assert.equal(contents(root).get('public/tls.crt'), certificate);
  assert.equal(contents(root).get('public/tls.key'), key);
  await makeSecrets(root, PLAN);
  assert.equal(contents(root).get('public/tls.crt'), certificate);
});

/** What the tool says on stderr. (Its stdout is the test runner's here.) */
async function complaint(args: readonly string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (chunk: string | Uint8Array): boolean => {
    said += String(chunk);
    return true;
  };
  try {
    return { code: await tool(args), said };
  } finally {
    process.stderr.write = write;
  }
}

test('faults are said plainly, with nothing made', async () => {
  const root = freshRoot();
  const good = await (await CertificateAuthority.create('one')).issue(['a.test']);
  const other = await (await CertificateAuthority.create('two')).issue(['a.test']);
  const file = (name: string, content: string): string => {
    const where = path.join(parent, name);
    fs.writeFileSync(where, content);
    return where;
  };
  const certificate = file('a.crt', good.certificate);
  const key = file('a.key', good.key);
  const faults: readonly (readonly [args: string[], code: number, says: RegExp])[] = [
    [['secrets'], 2, /say into which FOLDER/],
    [['secrets', root, 'x'], 2, /does not take "x"/],
    [['secrets', root, '--hostname', 'a b'], 2, /not "a b"/],
    [['secrets', root, '--tls-cert', certificate], 2, /go together/],
    [['secrets', root, '--tls-cert', certificate, '--tls-key', `${key}x`], 1, /its key .* is not/],
    [['secrets', root, '--tls-cert', `${certificate}x`, '--tls-key', key], 1, /its certificate .* is not/],
    [['secrets', root, '--tls-cert', key, '--tls-key', key], 1, /no certificate in PEM form/],
    [
      ['secrets', root, '--tls-cert', certificate, '--tls-key', file('b.key', other.key)],
      1,
      /does not belong/,
    ],
    [['secrets', root, '--tls-cert', certificate, '--tls-key', file('c.key', 'x')], 1, /no private key/],
  ];
  for (const [args, code, says] of faults) {
    const answer = await complaint(args);
    assert.match(answer.said, says);
    assert.equal(answer.code, code, args.join(' '));
  }
  assert.ok(!fs.existsSync(root));
});

test('files that are not there are no given certificate', () => {
  assert.equal(readGivenPair('/nowhere/tls.crt', '/nowhere/tls.key'), undefined);
});

test('without Redis nobody is told of one', async () => {
  const root = freshRoot();
  await makeSecrets(root, { ...PLAN, redis: null });
  assert.deepEqual(
    [...contents(root).keys()].filter((file) => file.includes('redis')),
    [],
  );
});

test('what is told to people holds no secret', async () => {
  const root = freshRoot();
  const said = (await makeSecrets(root, PLAN)).join('\n');
  assert.match(said, /public: a certificate for mail\.red\.test/);
  const passwords = [...contents(root).values()].filter((content) => /^[\w-]{32}$/.test(content));
  assert.ok(passwords.length > 0 && passwords.every((password) => !said.includes(password)));
});
