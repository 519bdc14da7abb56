import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Script, type SmtpHost, startSmtpHost } from '@waybill/lab';
import { reply } from '../reply.ts';
import { Handoff, type HandedMessage } from './handoff.ts';
import { parseNextHop } from './next-hop.ts';
import { refusesUs } from './outcome.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

const OURS = ['PIPELINING', '8BITMIME', 'DSN', 'XWAYBILL'];
const ID = '01980000-0000-7000-8000-000000000001';

async function host(script?: Script, offers: readonly string[] = OURS): Promise<SmtpHost> {
  return resources.use(await startSmtpHost({ offers, ...(script === undefined ? {} : { script }) }));
}

function handoffTo(next: readonly SmtpHost[], kind: 'agent' | 'foreign' = 'agent', settleMs = 5000): Handoff {
  const made = new Handoff({
    hop: { places: next.map((one) => `127.0.0.1:${one.port}`).join(','), kind },
    helloName: 'msa.test',
    // Speaks in clear: certificates are tried at the door of mta.
    credentials: undefined,
    settleMs,
  });
  resources.defer(() => made.close());
  return made;
}

const message = (more: Partial<HandedMessage> = {}): HandedMessage => ({
  id: ID,
  returnPath: 'a@red.test',
  recipients: [
    { address: 'b@blue.test', notify: 4, orcpt: 'rfc822;bee@blue.test' },
    { address: 'c@blue.test', notify: 0 },
  ],
  message: Buffer.from('Subject: x\r\n\r\nhello\r\n'),
  smtputf8: false,
  envid: 'e1',
  ret: 'HDRS',
  ...more,
});

test('the envelope goes on whole: sender, recipients, what reports were asked for, and the id', async () => {
  const next = await host();
  const handed = await handoffTo([next]).hand(message());
  assert.equal(handed.kind, 'taken');
  const [heard] = next.messages;
  assert.equal(heard?.mail, `MAIL FROM:<a@red.test> BODY=8BITMIME RET=HDRS ENVID=e1 XJOURNEY=${ID}`);
  assert.deepEqual(heard?.rcpts, [
    'RCPT TO:<b@blue.test> NOTIFY=FAILURE ORCPT=rfc822;bee@blue.test',
    'RCPT TO:<c@blue.test>',
  ]);
});

const refusals: [string, Script, number, string, RegExp][] = [
  [
    'one unknown recipient',
    ({ line }) => (line.includes('<c@') ? '550 5.1.1 Who?' : undefined),
    550,
    '5.1.1',
    /c@blue\.test.*Who/,
  ],
  [
    'try later outweighs never',
    ({ line }) =>
      line.includes('<b@') ? '550 5.1.1 Who?' : line.includes('<c@') ? '451 4.3.0 Wait' : undefined,
    451,
    '4.3.0',
    /Wait/,
  ],
  [
    'a certificate that is not known',
    ({ phase }) => (phase === 'mail' ? '550 5.7.1 Not you' : undefined),
    451,
    '4.3.0',
    /not|no mail/,
  ],
  [
    'a refused content',
    ({ phase }) => (phase === 'message' ? '554 5.6.0 Ugly' : undefined),
    554,
    '5.6.0',
    /Ugly/,
  ],
  ['a busy host', ({ phase }) => (phase === 'greeting' ? '421 4.3.2 Busy' : undefined), 451, '4.3.2', /Busy/],
  [
    'a host that dislikes us altogether',
    ({ phase }) => (phase === 'greeting' ? '554 5.7.1 Go away' : undefined),
    451,
    '4.3.0',
    /no mail/,
  ],
  [
    'too many recipients by an old code',
    ({ line }) => (line.includes('<c@') ? '552 Too many' : undefined),
    451,
    '4.3.0',
    /no mail/,
  ],
  [
    'a line that breaks before the dot',
    ({ phase }) => (phase === 'data' ? 'drop' : undefined),
    451,
    '4.4.1',
    /cannot be reached/,
  ],
];
for (const [what, script, code, enhanced, text] of refusals) {
  for (const offers of [OURS, ['XWAYBILL']])
    test(`${what}: nobody gets the message, and the client hears ${code} (${offers.length > 1 ? '' : 'not '}pipelined)`, async () => {
      const next = await host(script, offers);
      const handed = await handoffTo([next]).hand(message());
      assert.equal(handed.kind, 'refused');
      if (handed.kind !== 'refused') return;
      assert.deepEqual([handed.reply.code, handed.reply.enhanced], [code, enhanced]);
      assert.match(handed.reply.lines[0] ?? '', text);
      if (what !== 'a refused content') assert.equal(next.messages.length, 0);
    });
}

test('a message that no host of the next machine’s kind can carry is refused for good', async () => {
  const small = await handoffTo([await host(undefined, ['SIZE 10'])]).hand(message());
  assert.equal(small.kind === 'refused' && small.reply.code, 552);
  const plain = await handoffTo([await host()]).hand(message({ smtputf8: true, returnPath: 'ü@red.test' }));
  assert.equal(plain.kind === 'refused' && plain.reply.enhanced, '5.6.7');
});

test('behind the dot the line breaks: one of ours is asked again, with the same id', async () => {
  let times = 0;
  const next = await host(({ phase }) => (phase === 'message' && ++times < 3 ? 'drop' : undefined));
  const handed = await handoffTo([next]).hand(message());
  assert.equal(handed.kind, 'taken');
  assert.deepEqual(
    next.messages.map(({ mail }) => mail.slice(-ID.length)),
    [ID, ID, ID],
  );
});

test('a repeat that is put off says nothing of the first time: it is asked about until it is known', async () => {
  let mails = 0;
  const next = await host(({ phase }) => {
    if (phase === 'mail') mails++;
    if (phase === 'message' && mails === 1) return 'drop';
    return phase === 'mail' && mails === 2 ? '451 4.3.0 Not now' : undefined;
  });
  assert.equal((await handoffTo([next]).hand(message())).kind, 'taken');
  assert.equal(mails, 3);
});

test('a replica that says goodbye in the middle costs the client nothing', async () => {
  const next = await host(({ phase, connection }) =>
    connection < 3 && phase === 'rcpt' ? '421 4.3.2 Going down' : undefined,
  );
  assert.equal((await handoffTo([next]).hand(message())).kind, 'taken');
  assert.equal(next.messages.length, 1);
});

test('another’s server is never asked twice: what may have arrived is not known', async () => {
  const next = await host(({ phase }) => (phase === 'message' ? 'drop' : undefined));
  const handed = await handoffTo([next], 'foreign').hand(message());
  assert.equal(handed.kind, 'unknown');
  assert.equal(next.messages.length, 1);
});

test('a replica that is gone is passed over', async () => {
  const [dead, well] = [await host(), await host()];
  await dead[Symbol.asyncDispose]();
  const handoff = handoffTo([dead, well]);
  for (let i = 0; i < 3; i++) assert.equal((await handoff.hand(message())).kind, 'taken');
});

test('the next machine is written as a URL, without passwords', () => {
  assert.deepEqual(parseNextHop('X', 'smtp://mta:2526, smtp://[::1]', 'agent'), {
    places: 'mta:2526,[::1]:2526',
    kind: 'agent',
  });
  assert.deepEqual(parseNextHop('X', 'smtp://postfix?foreign', 'agent'), {
    places: 'postfix:25',
    kind: 'foreign',
  });
  for (const bad of [
    '',
    'mta:2526',
    'smtps://mta',
    'smtp://u:secret@mta',
    'smtp://a?foreign,smtp://b',
    'smtp://a?x',
    'smtp://a/b',
  ])
    assert.throws(
      () => parseNextHop('WAYBILL_HANDOFF', bad, 'agent'),
      (error: Error) => error instanceof RangeError && !error.message.includes('secret'),
    );
});

test('who will not have mail from us says so at MAIL', () => {
  const said = (phase: 'mail' | 'rcpt', code: number, enhanced: string): boolean =>
    refusesUs({ kind: 'replied', phase, reply: reply(code, enhanced, 'x') });
  assert.deepEqual(
    [
      said('mail', 550, '5.7.1'),
      said('mail', 530, ''),
      said('mail', 550, '5.1.8'),
      said('rcpt', 550, '5.7.1'),
    ],
    [true, true, false, false],
  );
});
