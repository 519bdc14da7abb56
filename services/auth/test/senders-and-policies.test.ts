import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { startAuth } from './running-auth.ts';

/** What an account may send as, and what a domain says about doubtful mail to it. */
const auth = await startAuth();
after(() => auth[Symbol.asyncDispose]());
const operator = await auth.operator();
const msa = await auth.clientAs('msa');
const mx = await auth.clientAs('mx');
await operator.call('domains/add', { name: 'red.test' });
const { accountId: alice } = await operator.call('accounts/add', { address: 'alice@red.test' });
const { accountId: bob } = await operator.call('accounts/add', { address: 'bob@red.test' });
await operator.call('aliases/add', { address: 'sales@red.test', targets: ['alice@red.test'] });
await operator.call('aliases/add', { address: 'team@red.test', targets: ['alice@red.test', 'bob@red.test'] });

const SENDERS = [
  'alice@red.test',
  'alice+tag@red.test',
  'sales@red.test',
  'team@red.test',
  'bob@red.test',
  'news@far.example',
  'anybody@near.example',
  'x@sub.near.example',
  'nonsense',
];
/** Those of SENDERS that the account may use. */
async function allowed(accountId: string): Promise<string[]> {
  const answers = await msa.maySend(accountId, SENDERS);
  assert.ok(!('status' in answers));
  return SENDERS.filter((_, i) => answers[i]);
}

test('own addresses and aliases that lead to one alone come with the account, the rest is granted', async () => {
  const own = ['alice@red.test', 'alice+tag@red.test', 'sales@red.test'];
  assert.deepEqual(await allowed(alice), own);
  await operator.call('grants/add', { address: 'alice@red.test', sender: 'News@FAR.example' });
  await operator.call('grants/add', { address: 'alice@red.test', sender: '@near.example' });
  await operator.call('grants/add', { address: 'alice@red.test', sender: 'team@red.test' });
  assert.deepEqual(await allowed(alice), [
    ...own,
    'team@red.test',
    'news@far.example',
    'anybody@near.example',
  ]);
  assert.deepEqual(await allowed(bob), ['bob@red.test'], 'not to others');
  assert.deepEqual((await operator.call('grants/list', { address: 'alice@red.test' })).senders, [
    '@near.example',
    'news@far.example',
    'team@red.test',
  ]);
  await operator.call('grants/remove', { address: 'alice@red.test', sender: '@near.example' });
  assert.ok(!(await allowed(alice)).includes('anybody@near.example'));
});

test('a suspended account may send as nobody, whatever it was granted', async () => {
  await operator.call('grants/add', { address: 'bob@red.test', sender: '@near.example' });
  await operator.call('accounts/set-state', { address: 'bob@red.test', state: 'suspended' });
  assert.deepEqual(await allowed(bob), []);
});

test('an id that is none is allowed nothing', async () => {
  assert.deepEqual(await allowed('nobody'), []);
});

test("a domain's policy comes with every address that resolves in it, once it has one", async () => {
  const policies = async (): Promise<unknown[]> =>
    (await mx.resolve(['alice@red.test', 'team@red.test', 'nobody@red.test'])).map((answer) =>
      'policy' in answer ? answer.policy : answer.status,
    );
  assert.deepEqual(await policies(), ['mailbox', 'alias', 'unknown']);
  await operator.call('domains/set-policy', { name: 'red.test', onReject: 'junk' });
  assert.deepEqual(await policies(), [{ onReject: 'junk' }, { onReject: 'junk' }, 'unknown']);
  await operator.call('domains/set-policy', { name: 'red.test', onQuarantine: 'accept' });
  const policy = { onReject: 'junk', onQuarantine: 'accept' };
  assert.deepEqual(await policies(), [policy, policy, 'unknown']);
  const [listed] = await Array.fromAsync(operator.domains());
  assert.deepEqual(listed?.policy, policy);
  await operator.call('domains/set-policy', {
    name: 'red.test',
    onReject: 'default',
    onQuarantine: 'default',
  });
  assert.deepEqual(await policies(), ['mailbox', 'alias', 'unknown']);
});
