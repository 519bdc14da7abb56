import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Script, type SmtpHost, startSmtpHost } from '@waybill/lab';
import type { RecipientOutcome, Transaction } from '@waybill/smtp/client';
import { handOverId } from '@waybill/spool';
import { AgentSender } from './over-agents.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

const SPOOL_ID = '01980000-0000-7000-8000-000000000001';
const DELIVERIES = {
  'a@x.test': '00000000-0000-4000-8000-00000000000a',
  'b@x.test': '00000000-0000-4000-8000-00000000000b',
  'c@x.test': '00000000-0000-4000-8000-00000000000c',
} as const;
type Known = keyof typeof DELIVERIES;

function idOf(...to: Known[]): string {
  return handOverId(
    SPOOL_ID,
    to.map((address) => DELIVERIES[address]),
  );
}

function transaction(to: readonly Known[], beforeDot: () => Promise<boolean>): Transaction {
  return {
    from: 'alice@red.test',
    parameters: { smtputf8: false },
    recipients: to.map((address) => ({
      address,
      parameters: { deliveryId: DELIVERIES[address], journeyId: SPOOL_ID },
    })),
    body: Buffer.from('Subject: x\r\n\r\nx\r\n'),
    beforeDot,
  };
}

/** Another machine's mta that does what a script says, and one hand-over to it. */
async function hand(
  script: Script,
  to: readonly Known[],
  beforeDot: () => Promise<boolean> = () => Promise.resolve(true),
  settleMs = 5000,
): Promise<{ next: SmtpHost; outcomes: readonly RecipientOutcome[]; ids: string[] }> {
  const next = resources.use(await startSmtpHost({ offers: ['PIPELINING', 'XWAYBILL'], script }));
  const sender = new AgentSender({
    helloName: 'mta.test',
    connections: 2,
    // Speaks in clear: certificates are tried at the door.
    credentials: undefined,
    settleMs,
  });
  resources.defer(() => sender.close());
  const hop = { places: `127.0.0.1:${next.port}`, kind: 'agent' } as const;
  const { outcomes } = await sender.hand(transaction(to, beforeDot), { kind: 'agent', name: 'next', hop });
  const ids = next.messages.map(({ mail }) => /XJOURNEY=(\S+)/.exec(mail)?.[1] ?? '');
  return { next, outcomes, ids };
}

const kindOf = (outcome: RecipientOutcome): string =>
  outcome.kind === 'replied' ? `${outcome.phase} ${outcome.reply.code}` : outcome.kind;

for (const refusal of ['550 5.1.1 Who?', '451 4.3.0 The directory is away'])
  test(`one recipient is refused (${refusal.slice(0, 3)}): the others go under the name of themselves alone, which a repeat with all of them does not meet`, async () => {
    const { next, outcomes, ids } = await hand(
      ({ line }) => (line.includes('<b@') ? refusal : undefined),
      ['a@x.test', 'b@x.test', 'c@x.test'],
    );
    assert.deepEqual(outcomes.map(kindOf), ['message 250', `rcpt ${refusal.slice(0, 3)}`, 'message 250']);
    assert.deepEqual(ids, [idOf('a@x.test', 'c@x.test')]);
    assert.equal(next.messages[0]?.rcpts.length, 2);
  });

test('all are refused: nobody is asked twice', async () => {
  const { next, outcomes } = await hand(
    ({ phase }) => (phase === 'rcpt' ? '550 5.1.1 Who?' : undefined),
    ['a@x.test', 'b@x.test'],
  );
  assert.deepEqual(outcomes.map(kindOf), ['rcpt 550', 'rcpt 550']);
  assert.equal(next.lines.filter(({ line }) => line.startsWith('RCPT')).length, 2);
});

test('an answer that is lost behind the dot is asked for again at once, under the same name', async () => {
  let times = 0;
  const { outcomes, ids } = await hand(
    ({ phase }) => (phase === 'message' && ++times < 3 ? 'drop' : undefined),
    ['a@x.test', 'b@x.test'],
  );
  assert.deepEqual(outcomes.map(kindOf), ['message 250', 'message 250']);
  assert.deepEqual(ids, new Array(3).fill(idOf('a@x.test', 'b@x.test')));
});

test('a repeat that is put off says nothing of the first time', async () => {
  let mails = 0;
  const { outcomes } = await hand(
    ({ phase }) => {
      if (phase === 'mail') mails++;
      if (phase === 'message' && mails === 1) return 'drop';
      return phase === 'rcpt' && mails === 2 ? '451 4.3.0 Not now' : undefined;
    },
    ['a@x.test'],
  );
  assert.deepEqual(outcomes.map(kindOf), ['message 250']);
  assert.equal(mails, 3);
});

test('who has lost the lease meanwhile does not ask again: it is not known what became of it', async () => {
  let dots = 0;
  const { outcomes, next } = await hand(
    ({ phase }) => (phase === 'message' ? 'drop' : undefined),
    ['a@x.test'],
    () => Promise.resolve(dots++ === 0),
  );
  assert.deepEqual(
    outcomes.map((one) => one.kind === 'lost' && one.unknown),
    [true],
  );
  assert.equal(next.messages.length, 1);
  assert.equal(dots, 2);
});

test('a next machine that never answers is given up, and what became of it is not known', async () => {
  const { outcomes, ids } = await hand(
    ({ phase }) => (phase === 'message' ? 'drop' : undefined),
    ['a@x.test'],
    () => Promise.resolve(true),
    0,
  );
  assert.deepEqual(
    outcomes.map((one) => one.kind === 'lost' && one.unknown),
    [true],
  );
  assert.equal(ids.length, 2);
});
