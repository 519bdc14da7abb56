import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, beforeEach, describe, test } from 'node:test';
import type { Answer } from '@waybill/dns';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { dkimRecord, dkimRecordName, signingSchema } from '@waybill/signing';
import { type Move, rotate } from '../src/sign/rotation.ts';
import { namesUpwards, SigningKeys } from '../src/sign/signing-keys.ts';

/** Keys in a real Postgres, with the rights that auth and mta have; DNS is a table, and time is moved by hand. */
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const db = resources.use(await testDatabase([signingSchema]));
const open = (url: string): ReturnType<typeof openPool> =>
  resources.adopt(openPool(url, { size: 4 }), (pool) => pool.end());
const admin = open(db.url);
const asAuth = open(db.urlAs('auth'));
const asMta = open(db.urlAs('mta'));

beforeEach(async () => {
  await admin.query('truncate signing.dkim_key');
});

const PUBLIC = 'AbCdEf==';
const PRIVATE = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

async function key(selector: string, state: string, domain = 'red.test'): Promise<void> {
  await asAuth.query(
    `insert into signing.dkim_key (domain, selector, algorithm, public_key, private_key, state)
     values ($1, $2, 'ed25519-sha256', $3, $4, $5)`,
    [domain, selector, PUBLIC + selector, PRIVATE, state],
  );
}

async function states(): Promise<Record<string, string>> {
  const { rows } = await admin.query<{ selector: string; state: string }>(
    'select selector, state from signing.dkim_key order by selector',
  );
  return Object.fromEntries(rows.map(({ selector, state }) => [selector, state]));
}

/** As if so much time had gone by since. */
async function pass(seconds: number): Promise<void> {
  await admin.query(
    `update signing.dkim_key set looked_at = looked_at - make_interval(secs => $1),
       seen_at = seen_at - make_interval(secs => $1), retiring_at = retiring_at - make_interval(secs => $1)`,
    [seconds],
  );
}

const published = new Map<string, readonly string[]>();
function publish(selector: string, domain = 'red.test'): void {
  published.set(dkimRecordName(selector, domain), [dkimRecord('ed25519-sha256', PUBLIC + selector)]);
}

/** One turn of one replica: what moved. */
async function turn(dns: (name: string) => Answer<string> = fromTable): Promise<string[]> {
  const moves: Move[] = [];
  await rotate({
    pool: asMta,
    lookTxt: (name) => Promise.resolve(dns(name)),
    settleSeconds: 600,
    retireSeconds: 7 * 86_400,
    onMove: (move) => moves.push(move),
  });
  return moves.map(({ selector, to }) => `${selector} ${to}`);
}

function fromTable(name: string): Answer<string> {
  const records = published.get(name);
  return records === undefined ? { kind: 'nxdomain' } : { kind: 'found', records, authenticated: false };
}

describe('a key that waits', () => {
  beforeEach(async () => {
    published.clear();
    await key('old', 'active');
    await key('new', 'pending');
  });

  test('signs only when its record was there for as long as "there is none" may be remembered', async () => {
    assert.deepEqual(await turn(), []);
    publish('new');
    await pass(60);
    assert.deepEqual(await turn(), ['new seen']);
    await pass(590);
    assert.deepEqual(await turn(), []);
    assert.deepEqual(await states(), { new: 'pending', old: 'active' });
    await pass(60);
    assert.deepEqual(await turn(), ['new active']);
    assert.deepEqual(await states(), { new: 'active', old: 'retiring' });
  });

  test('is not looked for more often than once a minute, on however many replicas', async () => {
    publish('new');
    assert.deepEqual((await Promise.all([turn(), turn(), turn()])).flat(), ['new seen']);
    let asked = 0;
    await turn((name) => {
      asked++;
      return fromTable(name);
    });
    assert.equal(asked, 0);
  });

  test('begins anew when its record goes away meanwhile', async () => {
    publish('new');
    await turn();
    published.clear();
    await pass(300);
    assert.deepEqual(await turn(), ['new lost']);
    publish('new');
    await pass(400);
    assert.deepEqual(await turn(), ['new seen']);
    assert.deepEqual(await states(), { new: 'pending', old: 'active' });
  });

  test('a record that is not its own is none', async () => {
    publish('new');
    published.set(dkimRecordName('new', 'red.test'), ['v=DKIM1; k=ed25519; p=AbCd']);
    assert.deepEqual(await turn(), []);
    await pass(60);
    published.set(dkimRecordName('new', 'red.test'), [
      dkimRecord('ed25519-sha256', `${PUBLIC}new`),
      'v=DKIM1; p=',
    ]);
    assert.deepEqual(await turn(), []);
  });

  test('DNS that gives no answer changes nothing of what was seen', async () => {
    publish('new');
    await turn();
    await pass(300);
    assert.deepEqual(await turn(() => ({ kind: 'try-later', cause: 'SERVFAIL' })), []);
    await pass(400);
    assert.deepEqual(await turn(), ['new active']);
  });
});

test('the old key is there for a week more, then its private half is erased', async () => {
  published.clear();
  await key('old', 'active');
  await key('new', 'pending');
  publish('new');
  await turn();
  await pass(700);
  await turn();
  await pass(6 * 86_400);
  assert.deepEqual(await turn(), []);
  await pass(86_400);
  assert.deepEqual(await turn(), ['old retired']);
  const { rows } = await admin.query('select private_key from signing.dkim_key where selector = $1', ['old']);
  assert.deepEqual(rows, [{ private_key: null }]);
});

describe('who may do what', () => {
  test('auth writes private halves and cannot read one', async () => {
    await key('one', 'active');
    await assert.rejects(asAuth.query('select private_key from signing.dkim_key'), /permission denied/);
    await assert.rejects(
      asAuth.query(`update signing.dkim_key set public_key = private_key`),
      /permission denied/,
    );
    await asAuth.query('select selector, public_key, state from signing.dkim_key');
  });

  test('mta can neither make keys nor change which key it is', async () => {
    await assert.rejects(
      asMta.query(
        `insert into signing.dkim_key (domain, selector, algorithm, public_key, private_key, state)
         values ('red.test', 'x', 'rsa-sha256', 'x', 'x', 'active')`,
      ),
      /permission denied/,
    );
    await assert.rejects(asMta.query(`update signing.dkim_key set public_key = 'x'`), /permission denied/);
    await assert.rejects(asMta.query('select from signing.srs_secret'), /permission denied/);
  });

  test('the operator reads all but private halves, other agents nothing', async () => {
    const operator = open(db.urlAs('operator'));
    await operator.query('select domain, state from signing.dkim_key');
    await assert.rejects(operator.query('select private_key from signing.dkim_key'), /permission denied/);
    for (const agent of ['msa', 'mx', 'mda', 'mra'])
      await assert.rejects(
        open(db.urlAs(agent)).query('select state from signing.dkim_key'),
        /permission denied/,
      );
  });
});

describe('the keys that sign', () => {
  test('are those of the domain, or of the nearest one above it that has some', async () => {
    await key('up', 'active', 'red.test');
    await key('sub', 'active', 'sub.red.test');
    await key('wait', 'pending', 'red.test');
    const keys = new SigningKeys({ pool: asMta });
    const of = async (domain: string): Promise<string[]> =>
      (await keys.of(domain)).map((one) => `${one.selector} ${one.domain}`);
    assert.deepEqual(await of('red.test'), ['up red.test']);
    assert.deepEqual(await of('mail.red.test'), ['up red.test']);
    assert.deepEqual(await of('a.sub.red.test'), ['sub sub.red.test']);
    assert.deepEqual(await of('blue.test'), []);
    assert.deepEqual(await of('evilred.test'), []);
  });

  test('are read again when their time is over, and trouble is not remembered', async () => {
    const keys = new SigningKeys({ pool: asMta, keepMs: 0 });
    assert.deepEqual(await keys.of('red.test'), []);
    await key('one', 'active');
    assert.equal((await keys.of('red.test')).length, 1);
    let broken = true;
    const failing = new SigningKeys({
      pool: {
        query: ((...query: Parameters<typeof asMta.query>) =>
          broken ? Promise.reject(new Error('away')) : asMta.query(...query)) as typeof asMta.query,
      },
    });
    await assert.rejects(failing.of('red.test'), /away/);
    broken = false;
    assert.equal((await failing.of('red.test')).length, 1);
  });

  test('names are walked upwards, never to a top-level domain', () => {
    assert.deepEqual(namesUpwards('a.b.red.test'), ['a.b.red.test', 'b.red.test', 'red.test']);
    assert.deepEqual(namesUpwards('test'), ['test']);
    assert.equal(namesUpwards(`${'a.'.repeat(100)}red.test`).length, 8);
  });
});
