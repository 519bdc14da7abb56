import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { isTryLater } from '@waybill/auth-client';
import { openPool } from '@waybill/postgres';
import { publishes } from '@waybill/signing';
import { startAuth } from './running-auth.ts';

/** Keys that sign and return paths that lead back, as agents and the operator ask for them. */
const auth = await startAuth();
after(() => auth[Symbol.asyncDispose]());
const operator = await auth.operator();
const mta = await auth.clientAs('mta');
const mx = await auth.clientAs('mx', { positiveMs: 0 });
const admin = openPool(auth.db.url, { size: 1 });
after(() => admin.end());

await operator.call('domains/add', { name: 'red.test' });
await operator.call('accounts/add', { address: 'alice@red.test' });
await operator.call('aliases/add', { address: 'away@red.test', targets: ['bob@far.test'] });

describe('keys', () => {
  test('a new domain has one of each kind that signs, and their records are ready to be published', async () => {
    const { keys } = await operator.call('domains/dkim', { name: 'red.test' });
    assert.deepEqual(keys.map(({ algorithm, state }) => `${algorithm} ${state}`).toSorted(), [
      'ed25519-sha256 active',
      'rsa-sha256 active',
    ]);
    for (const { name, record, selector, algorithm } of keys) {
      assert.equal(name, `${selector}._domainkey.red.test`);
      assert.match(selector, algorithm === 'rsa-sha256' ? /^wb\d{6}r$/ : /^wb\d{6}e$/);
      const p = record.slice(record.indexOf('p=') + 2);
      assert.ok(publishes([record], algorithm, p));
      if (algorithm === 'ed25519-sha256') assert.equal(Buffer.from(p, 'base64').length, 32);
      else {
        const key = createPublicKey({ key: Buffer.from(p, 'base64'), type: 'spki', format: 'der' });
        assert.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
      }
    }
  });

  test('rotating makes the next pair, which waits; asking again makes no more', async () => {
    await operator.call('domains/add', { name: 'turn.test' });
    const first = await operator.call('domains/rotate-dkim', { name: 'turn.test' });
    assert.deepEqual(
      first.keys.map(({ state }) => state),
      ['pending', 'pending', 'active', 'active'],
    );
    assert.equal(new Set(first.keys.map(({ selector }) => selector)).size, 4);
    const [again, beside] = await Promise.all([
      operator.call('domains/rotate-dkim', { name: 'turn.test' }),
      operator.call('domains/rotate-dkim', { name: 'turn.test' }),
    ]);
    assert.deepEqual(again.keys, first.keys);
    assert.deepEqual(beside.keys, first.keys);
  });

  test('--now: what waits signs at once, and what signed is still to be published', async () => {
    await operator.call('domains/add', { name: 'now.test' });
    const { keys } = await operator.call('domains/rotate-dkim', { name: 'now.test', now: true });
    assert.deepEqual(
      keys.map(({ state }) => state),
      ['active', 'active', 'retiring', 'retiring'],
    );
  });

  test('a domain of before there were keys gets them when it is asked about', async () => {
    await admin.query(`insert into directory.domain (name, route) values ('old.test', 'local')`);
    const { keys } = await operator.call('domains/dkim', { name: 'old.test' });
    assert.equal(keys.length, 2);
  });

  test('a removed domain leaves no private half behind, and comes back with other selectors', async () => {
    await operator.call('domains/add', { name: 'gone.test' });
    const before = await operator.call('domains/dkim', { name: 'gone.test' });
    await operator.call('domains/remove', { name: 'gone.test' });
    await assert.rejects(operator.call('domains/dkim', { name: 'gone.test' }), { code: 'not-found' });
    const { rows } = await admin.query(
      `select from signing.dkim_key where domain = 'gone.test' and private_key is not null`,
    );
    assert.equal(rows.length, 0);
    await operator.call('domains/add', { name: 'gone.test' });
    const { keys } = await operator.call('domains/dkim', { name: 'gone.test' });
    const active = keys.filter(({ state }) => state === 'active').map(({ selector }) => selector);
    assert.equal(active.length, 2);
    assert.ok(!before.keys.some(({ selector }) => active.includes(selector)));
  });

  test('a domain that is there already stays as it is, its keys too', async () => {
    const before = await operator.call('domains/dkim', { name: 'red.test' });
    await assert.rejects(operator.call('domains/add', { name: 'red.test' }), { code: 'exists' });
    assert.deepEqual(await operator.call('domains/dkim', { name: 'red.test' }), before);
  });

  test('only the operator hears of keys', async () => {
    const asMx = await auth.operator('mx');
    await assert.rejects(asMx.call('domains/dkim', { name: 'red.test' }), { code: 'not-permitted' });
  });
});

test('domains without keys get them when an auth starts', async () => {
  await admin.query('truncate signing.dkim_key');
  const other = await startAuth({ WAYBILL_DATABASE_URL: auth.db.urlAs('auth') });
  // It ends when the round in hand is done.
  await other[Symbol.asyncDispose]();
  const { rows } = await admin.query(
    `select from directory.domain d where not exists (select from signing.dkim_key k where k.domain = d.name)`,
  );
  assert.equal(rows.length, 0);
});

async function forward(sender: string, via?: string): Promise<string> {
  const answer = await mta.forwardSender({ sender, ...(via === undefined ? {} : { via }) });
  assert.ok(!isTryLater(answer));
  return answer.sender;
}

describe('return paths', () => {
  test('lead back: a stranger’s sealed in one of the alias’s domain, and resolved again', async () => {
    const sealed = await forward('Bob@away.test', 'away@red.test');
    assert.match(sealed, /^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=away\.test=Bob@red\.test$/);
    assert.deepEqual(await mx.resolveOne(sealed), {
      status: 'alias',
      targets: [{ address: 'Bob@away.test' }],
      route: 'local',
    });
    assert.equal((await mx.resolveOne(sealed.toLowerCase())).status, 'alias');
  });

  test('senders of ours keep theirs', async () => {
    assert.equal(await forward('alice@red.test', 'away@red.test'), 'alice@red.test');
    assert.equal(await forward('whoever@RED.test'), 'whoever@RED.test');
  });

  test('without a word of who forwards, or with one that is not ours, the oldest domain stands for it', async () => {
    assert.match(await forward('bob@away.test'), /@red\.test$/);
    assert.match(await forward('bob@away.test', 'x@elsewhere.test'), /@red\.test$/);
    assert.match(await forward('bob@away.test', 'x@turn.test'), /@turn\.test$/);
  });

  test('forged, expired and cut seals are unknown addresses', async () => {
    const sealed = await forward('bob@away.test', 'away@red.test');
    for (const wrong of [
      sealed.replace('bob', 'eve'),
      sealed.replace('away.test', 'evil.test'),
      sealed.replace(/=(..)=away/, '=AA=away'),
      'SRS0=AAAAAA=BB=away.test=bob@red.test',
      'SRS0=@red.test',
      'srs1=x@red.test',
    ])
      assert.deepEqual(await mx.resolveOne(wrong), { status: 'unknown' }, wrong);
    assert.deepEqual(await mx.resolveOne(sealed.replace('@red.test', '@not-ours.test')), {
      status: 'not-ours',
    });
  });

  test('nested: what another forwarder sealed goes back to that one', async () => {
    const sealed = await forward('SRS0=AbCd=X7=away.test=bob@first.test', 'away@red.test');
    assert.match(sealed, /^SRS1=/);
    assert.deepEqual(await mx.resolveOne(sealed), {
      status: 'alias',
      targets: [{ address: 'SRS0=AbCd=X7=away.test=bob@first.test' }],
      route: 'local',
    });
  });

  test('long ones are kept, and lead back too', async () => {
    const long = `bounce-123456789-abcdef=alice=red.test@mail.newsletter.away.test`;
    const sealed = await forward(long, 'away@red.test');
    assert.ok(sealed.indexOf('@') <= 64, sealed);
    assert.equal(await forward(long, 'away@red.test'), sealed);
    assert.deepEqual(await mx.resolveOne(sealed.toLowerCase()), {
      status: 'alias',
      targets: [{ address: long }],
      route: 'local',
    });
  });

  test('nobody may send as one', async () => {
    const sealed = await forward('bob@away.test', 'away@red.test');
    const msa = await auth.clientAs('msa');
    const { rows } = await admin.query<{ id: string }>('select id::text from directory.account limit 1');
    assert.deepEqual(await msa.maySend(rows[0]!.id, [sealed]), [false]);
  });

  test('a second secret seals once it is known everywhere; what the first sealed still opens', async () => {
    const before = await forward('bob@away.test', 'away@red.test');
    await admin.query(`update signing.srs_secret set made_at = now() - interval '1 day'`);
    await admin.query(
      `insert into signing.srs_secret (id, secret, made_at) values (2, decode(repeat('ab', 32), 'hex'), now() - interval '1 hour')`,
    );
    await using other = await startAuth({ WAYBILL_DATABASE_URL: auth.db.urlAs('auth') });
    const theirs = await (await other.clientAs('mta')).forwardSender({ sender: 'bob@away.test' });
    assert.ok(!isTryLater(theirs));
    assert.notEqual(theirs.sender, before);
    const asked = await other.clientAs('mx');
    assert.equal((await asked.resolveOne(before)).status, 'alias');
    assert.equal((await asked.resolveOne(theirs.sender)).status, 'alias');
  });

  test('only mta writes them', async () => {
    const asMsa = await auth.clientAs('msa');
    assert.ok(isTryLater(await asMsa.forwardSender({ sender: 'bob@away.test' })));
  });
});
