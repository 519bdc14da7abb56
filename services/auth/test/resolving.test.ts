import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import type { Resolution } from '@waybill/auth-client';
import { startAuth } from './running-auth.ts';

const auth = await startAuth();
after(() => auth[Symbol.asyncDispose]());
const operator = await auth.operator();
const mx = await auth.clientAs('mx');

await operator.call('domains/add', { name: 'Red.Test', route: 'mx' });
await operator.call('domains/add', { name: 'bücher.test' });
await operator.call('domains/add', { name: 'far.test', route: 'lmtp://dovecot:24' });
await operator.call('domains/add', { name: 'listed.test', route: 'lmtp://dovecot:24', recipients: 'listed' });
const alice = await operator.call('accounts/add', { address: 'Alice@red.test', password: 'a' });
const bob = await operator.call('accounts/add', { address: 'bob@bücher.test', quotaBytes: 5000 });
const alias = (address: string, ...targets: string[]): Promise<object> =>
  operator.call('aliases/add', { address, targets });
await alias('sales@red.test', 'alice+sales@red.test', 'bob@xn--bcher-kva.test', 'Friend@Elsewhere.example');
await alias('all@red.test', 'sales@red.test', 'ALICE@RED.TEST', 'friend@elsewhere.example', 'all@red.test');
await alias('me@red.test', 'alice@red.test');
await alias('ring1@red.test', 'ring2@red.test');
await alias('ring2@red.test', 'ring1@red.test');
await alias('ghost@red.test', 'nobody@red.test');
for (let i = 0; i < 12; i++) await alias(`deep${i}@red.test`, `deep${i + 1}@red.test`);
await alias('deep12@red.test', 'alice@red.test');
await alias('crowd@red.test', ...Array.from({ length: 1000 }, (_, i) => `u${i}@elsewhere.example`));
await alias('crowds@red.test', 'crowd@red.test', 'one-more@elsewhere.example');

/** What an answer says, in one line. */
function say(resolution: Resolution): string {
  switch (resolution.status) {
    case 'mailbox':
      return `mailbox ${resolution.account.address} ${resolution.route}`;
    case 'alias':
      return `alias ${resolution.targets.map((t) => `${t.address}${t.account === undefined ? '' : '!'}`).join(' ')}`;
    default:
      return resolution.status;
  }
}

const TABLE: readonly (readonly [address: string, answer: string])[] = [
  ['alice@red.test', 'mailbox alice@red.test mx'],
  ['ALICE@RED.TEST', 'mailbox alice@red.test mx'],
  ['"alice"@red.test', 'mailbox alice@red.test mx'],
  ['alice+tag@red.test', 'mailbox alice@red.test mx'],
  ['alice+a+b@red.test', 'mailbox alice@red.test mx'],
  ['+alice@red.test', 'unknown'],
  ['nobody@red.test', 'unknown'],
  ['alice@elsewhere.example', 'not-ours'],
  ['alice@sub.red.test', 'not-ours'],
  ['alice@[127.0.0.1]', 'not-ours'],
  ['bob@bücher.test', 'mailbox bob@xn--bcher-kva.test local'],
  ['bob@XN--BCHER-KVA.test', 'mailbox bob@xn--bcher-kva.test local'],
  ['me@red.test', 'alias alice@red.test!'],
  ['me+tag@red.test', 'alias alice@red.test!'],
  ['sales@red.test', 'alias alice+sales@red.test! bob@xn--bcher-kva.test! friend@elsewhere.example'],
  // Two ways to one mailbox are one delivery; the first name for it stands.
  ['all@red.test', 'alias alice@red.test! friend@elsewhere.example bob@xn--bcher-kva.test!'],
  ['ring1@red.test', 'unknown'],
  ['ghost@red.test', 'alias nobody@red.test'],
  ['deep0@red.test', 'try-later'],
  ['deep3@red.test', 'alias alice@red.test!'],
  ['crowds@red.test', 'try-later'],
  ['anyone@far.test', 'alias anyone@far.test'],
  ['anyone@listed.test', 'unknown'],
  ['postmaster', 'mailbox alice@red.test mx'],
  ['PostMaster', 'mailbox alice@red.test mx'],
  ['postmaster@red.test', 'mailbox alice@red.test mx'],
  ['Postmaster@bücher.test', 'mailbox bob@xn--bcher-kva.test local'],
  // No account of its own: the oldest of the directory.
  ['postmaster@listed.test', 'mailbox alice@red.test lmtp://dovecot:24'],
  ['', 'unknown'],
  ['@red.test', 'unknown'],
  ['alice@', 'unknown'],
  ['alice', 'unknown'],
  ['al\u0000ice@red.test', 'unknown'],
  ['\ud800@red.test', 'unknown'],
  [`${'x'.repeat(65)}@red.test`, 'unknown'],
  [`${'x'.repeat(400)}@red.test`, 'unknown'],
  ["'; drop table directory.domain; --@red.test", 'unknown'],
];

for (const [address, answer] of TABLE) {
  test(`${JSON.stringify(address.slice(0, 60))} is ${answer.slice(0, 60)}`, async () => {
    assert.equal(say(await mx.resolveOne(address)), answer);
  });
}

test('a batch answers each address in order, the same as one by one', async () => {
  const answers = await mx.resolve(TABLE.map(([address]) => address));
  assert.deepEqual(
    answers.map(say),
    TABLE.map(([, answer]) => answer),
  );
});

test('an alias to a thousand addresses is expanded whole', async () => {
  const answer = await mx.resolveOne('crowd@red.test');
  assert.equal(answer.status === 'alias' ? answer.targets.length : 0, 1000);
});

test('an alias beyond the limits is told to the operator', () => {
  assert.ok(auth.lines.some((line) => line['address'] === 'deep0@red.test'));
});

test('a mailbox comes with its account and quota', async () => {
  const answer = await mx.resolveOne('bob@bücher.test');
  assert.deepEqual(answer.status === 'mailbox' ? answer.account : undefined, {
    accountId: bob.accountId,
    address: 'bob@xn--bcher-kva.test',
    quotaBytes: 5000,
    quotaMessages: 0,
  });
});

test('a domain has the route it was given; others go by MX', async () => {
  const mta = await auth.clientAs('mta');
  assert.deepEqual(await mta.route('RED.test'), { ours: true, route: 'mx' });
  assert.deepEqual(await mta.route('bücher.test'), { ours: true, route: 'local' });
  assert.deepEqual(await mta.route('far.test'), { ours: true, route: 'lmtp://dovecot:24' });
  assert.deepEqual(await mta.route('elsewhere.example'), { ours: false, route: 'mx' });
  assert.deepEqual(await mta.route(''), { ours: false, route: 'mx' });
});

test('an account may send as its addresses, its tags, and aliases that are only its own', async () => {
  const msa = await auth.clientAs('msa');
  const may = await msa.maySend(alice.accountId, [
    'alice@red.test',
    'Alice+x@Red.Test',
    'me@red.test',
    'sales@red.test',
    'bob@bücher.test',
    'nobody@red.test',
    'alice@elsewhere.example',
    '',
  ]);
  assert.deepEqual(may, [true, true, true, false, false, false, false, false]);
});

test('a suspended account gets mail but may not send', async () => {
  const msa = await auth.clientAs('msa');
  const carol = await operator.call('accounts/add', { address: 'carol@red.test' });
  await operator.call('accounts/set-state', { address: 'carol@red.test', state: 'suspended' });
  assert.equal(say(await mx.resolveOne('carol@red.test')), 'mailbox carol@red.test mx');
  assert.deepEqual(await msa.maySend(carol.accountId, ['carol@red.test']), [false]);
});

test('a removed account is unknown, and its id never comes back', async () => {
  const dave = await operator.call('accounts/add', { address: 'dave@red.test' });
  await operator.call('accounts/remove', { address: 'dave@red.test' });
  assert.equal(say(await mx.resolveOne('dave@red.test')), 'unknown');
  const again = await operator.call('accounts/add', { address: 'dave@red.test' });
  assert.notEqual(again.accountId, dave.accountId);
  const msa = await auth.clientAs('msa');
  assert.deepEqual(await msa.maySend(dave.accountId, ['dave@red.test']), [false]);
});

test('a batch of more than a thousand addresses is answered whole', async () => {
  const answers = await mx.resolve(Array.from({ length: 2500 }, (_, i) => `n${i}@red.test`));
  assert.equal(answers.length, 2500);
  assert.ok(answers.every((answer) => answer.status === 'unknown'));
});

test('without a delimiter a plus sign is a letter like any other', async () => {
  await using other = await startAuth({ WAYBILL_SUBADDRESS_DELIMITER: 'none' });
  const desk = await other.operator();
  const agent = await other.clientAs('mx');
  await desk.call('domains/add', { name: 'red.test' });
  await desk.call('accounts/add', { address: 'a@red.test' });
  await desk.call('accounts/add', { address: 'a+b@red.test' });
  assert.equal(say(await agent.resolveOne('a+b@red.test')), 'mailbox a+b@red.test local');
  assert.equal(say(await agent.resolveOne('a+c@red.test')), 'unknown');
});

test('a named postmaster gets the mail of all domains that have none', async () => {
  await using other = await startAuth({ WAYBILL_POSTMASTER: 'desk@elsewhere.example' });
  const agent = await other.clientAs('mx');
  assert.equal(say(await agent.resolveOne('postmaster')), 'unknown'); // nothing is ours yet
  const desk = await other.operator();
  await desk.call('domains/add', { name: 'red.test' });
  await desk.call('accounts/add', { address: 'alice@red.test' });
  assert.equal(say(await agent.resolveOne('postmaster@red.test')), 'alias desk@elsewhere.example');
  assert.equal(say(await agent.resolveOne('postmaster')), 'alias desk@elsewhere.example');
});
