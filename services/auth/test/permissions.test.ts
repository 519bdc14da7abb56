import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import test, { after } from 'node:test';
import { AGENTS, DIRECTORY_CALLS } from '@waybill/auth-client';
import { CertificateAuthority } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { startAuth } from './running-auth.ts';

const auth = await startAuth();
after(() => auth[Symbol.asyncDispose]());

/** One POST with a certificate for these names; answers with the status. */
async function post(
  names: readonly string[],
  call: string,
  body = '{}',
  authority = auth.authority,
  method = 'POST',
): Promise<{ status: number; body: string }> {
  const issued = await authority.issue(names);
  const request = https.request({
    host: '127.0.0.1',
    port: auth.port,
    servername: 'auth',
    ca: auth.authority.certificate,
    cert: issued.certificate,
    key: issued.key,
    agent: false,
    method,
    path: `/v1/${call}`,
    headers: {
      'content-type': 'application/json',
      ...(method === 'GET' ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
  });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  // A server that has answered already may stop reading what is still being sent.
  request.end(method === 'GET' ? undefined : body);
  const [response] = await answered;
  request.on('error', () => undefined);
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** Who may call what. Everything else is 403. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  authenticate: ['msa', 'mra'],
  resolve: ['msa', 'mx', 'mta', 'mda', 'operator'],
  route: ['msa', 'mx', 'mta', 'operator'],
  'may-send': ['msa'],
  sasl: ['msa', 'mra'],
  spend: ['msa'],
  bans: ['msa', 'mx', 'mra'],
  'forward-sender': ['mta'],
  ...Object.fromEntries(Object.keys(DIRECTORY_CALLS).map((call) => [call, ['operator']])),
};

for (const [call, allowed] of Object.entries(ALLOWED)) {
  // A call that takes nothing finds nothing wrong.
  const answered = ['bans', 'bans/list'].includes(call) ? 200 : 400;
  test(`${call} is for ${allowed.join(', ')} only`, async () => {
    for (const agent of [...AGENTS, 'auth', 'www']) {
      // A malformed body: whoever may call hears 400, whoever may not hears 403 and nothing about it.
      const { status } = await post(
        [agent],
        call,
        '{"password":5,"addresses":7,"domain":1,"after":0,"name":0,"address":0}',
      );
      assert.equal(status, allowed.includes(agent) ? answered : 403, agent);
    }
  });
}

test('only the first name in a certificate says who calls', async () => {
  assert.equal((await post(['www.red.test', 'operator'], 'domains/list')).status, 403);
  assert.equal((await post(['operator', 'www.red.test'], 'domains/list')).status, 200);
});

test('a certificate of another authority, or none, does not get in', async () => {
  const stranger = await CertificateAuthority.create('test authority');
  await assert.rejects(post(['operator'], 'domains/list', '{}', stranger));
  const socket = tls.connect({
    host: '127.0.0.1',
    port: auth.port,
    ca: auth.authority.certificate,
    servername: 'auth',
  });
  socket
    .on('error', () => undefined)
    .on('secureConnect', () => socket.write('POST /v1/domains/list HTTP/1.1\r\nHost: auth\r\n\r\n'));
  let heard = '';
  socket.on('data', (chunk) => (heard += String(chunk)));
  await new Promise((resolve) => socket.once('close', resolve));
  assert.equal(heard, '');
});

const MALFORMED: readonly (readonly [what: string, call: string, body: string, status: number])[] = [
  ['no JSON', 'resolve', '{', 400],
  ['an empty body', 'resolve', '', 400],
  ['a number for a list', 'resolve', '{"addresses":1}', 400],
  [
    'a thousand and one addresses',
    'resolve',
    JSON.stringify({ addresses: Array.from({ length: 1001 }, () => 'a@b') }),
    400,
  ],
  ['an address of 321 characters', 'resolve', JSON.stringify({ addresses: ['x'.repeat(321)] }), 400],
  ['five megabytes', 'resolve', `{"addresses":["${'x'.repeat(5_000_000)}"]}`, 400],
  ['a call that is not there', 'resolves', '{}', 404],
  ['a name of every object', 'constructor', '{}', 404],
  ['a prototype for an address', 'resolve', '{"addresses":["__proto__"],"__proto__":{"x":1}}', 400],
];
for (const [what, call, body, status] of MALFORMED) {
  test(`${what} is answered ${status}, and auth lives on`, async () => {
    const answer = await post(['mx'], call, body);
    assert.equal(answer.status, status);
    assert.equal(typeof (JSON.parse(answer.body) as { message: unknown }).message, 'string');
    assert.equal((await post(['mx'], 'resolve', '{"addresses":[]}')).status, 200);
  });
}

test('calls are POSTs', async () => {
  assert.equal((await post(['operator'], 'domains/list', '', auth.authority, 'GET')).status, 404);
});

test("the directory's tables are closed to every role but auth's", async () => {
  const tables = ['domain', 'account', 'address', 'alias_target', 'credential', 'secret'].concat([
    'app_password',
    'sender_grant',
    'known_network',
    'ban',
    'sent',
  ]);
  for (const agent of AGENTS) {
    const pool = openPool(auth.db.urlAs(agent), { size: 1 });
    for (const table of tables)
      await assert.rejects(
        pool.query(`select 1 from directory.${table}`),
        /permission denied/,
        `${agent} ${table}`,
      );
    await pool.end();
  }
});

test('while Postgres is away look-ups say try-later, and the cause stays inside', async () => {
  await using other = await startAuth({ WAYBILL_DATABASE_POOL: 2 });
  const mx = await other.clientAs('mx', { deadlineMs: 20_000 });
  const mra = await other.clientAs('mra', { deadlineMs: 20_000 });
  assert.equal((await mx.resolveOne('a@red.test')).status, 'not-ours');
  const admin = openPool(other.db.url, { size: 1 });
  const database = new URL(other.db.url).pathname.slice(1);
  // Of this database alone: roles belong to the cluster, which other tests may share.
  await admin.query(`alter database ${database} connection limit 0`);
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'waybill_auth' and datname = current_database()`,
  );
  try {
    assert.equal((await mx.resolveOne('a@red.test')).status, 'try-later');
    assert.deepEqual(
      await mra.authenticate({ username: 'a@red.test', password: 'x', client: '::1', protocol: 'imap' }),
      {
        status: 'try-later',
      },
    );
  } finally {
    await admin.query(`alter database ${database} connection limit -1`);
    await admin.end();
  }
  assert.equal((await mx.resolveOne('b@red.test')).status, 'not-ours');
  assert.ok(other.lines.some((line) => 'err' in line));
});
