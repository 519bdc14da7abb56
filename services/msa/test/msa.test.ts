import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSmtpHost } from '@waybill/lab';
import { Handoff } from '@waybill/smtp/client';
import { localDestination } from '@waybill/spool';
import { handoffCustody } from '@waybill/custody';
import { startWorld } from './stub-world.ts';

const plain = (user: string, password: string): string =>
  Buffer.from(`\0${user}\0${password}`).toString('base64');

const LOGIN = `
  S: 220 msa.red.test ESMTP Waybill
  C: EHLO [192.0.2.5]
  S: ...
  S: 250 AUTH PLAIN LOGIN
  C: AUTH PLAIN ${plain('alice@red.test', 'sesame')}
  S: 235 2.7.0 ...`;

const send = (from: string, recipients: readonly string[], ...message: string[]): string => `
  C: MAIL FROM:<${from}>
  S: 250 2.1.0 ...
  ${recipients.map((one) => `C: RCPT TO:<${one}>\nS: 250 2.1.5 Recipient taken`).join('\n')}
  C: DATA
  S: 354 ...
  ${message.map((line) => `C: ${line}`).join('\n')}
  C: .`;

test('over STARTTLS an authenticated writer hands in a message, which is completed and committed', async () => {
  await using world = await startWorld(false);
  const values = await world.play(`
    S: 220 msa.red.test ESMTP Waybill
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: MAIL FROM:<alice@red.test>
    S: 530 5.7.0 Say STARTTLS first
    C: AUTH PLAIN ${plain('alice@red.test', 'sesame')}
    S: 530 5.7.0 Say STARTTLS first
    C: STARTTLS
    S: 220 2.0.0 ...
    C tls
    C: EHLO client.test
    S: ...
    S: 250 AUTH PLAIN LOGIN
    C: MAIL FROM:<alice@red.test>
    S: 530 5.7.0 Authentication required
    C: AUTH PLAIN ${plain('alice@red.test', 'sesame')}
    S: 235 2.7.0 ...
    ${send('alice@red.test', ['bob@blue.test'], 'From: Alice <alice@red.test>', 'Bcc: secret@blue.test,', ' more@blue.test', 'Subject: hi', 'bcc : old@style.test', '', 'Bcc: text')}
    S: 250 2.0.0 queued as {id}
    C: QUIT
    S: 221 ...`);
  const [draft] = world.drafts;
  assert.equal(draft?.id, values.get('id'));
  assert.equal(draft?.origin, 'msa');
  assert.equal(draft?.authAccount, '1');
  assert.deepEqual(draft?.recipients, [{ address: 'bob@blue.test', notify: 0, destination: 'blue.test' }]);
  assert.deepEqual(world.kicks, ['blue.test']);
  const text = draft?.message.toString('latin1') ?? '';
  const head = text.slice(0, text.indexOf('From: Alice')).replaceAll(/\r\n[ \t]/g, ' ');
  assert.match(
    head,
    /^Received: from client\.test \(\[127\.0\.0\.1\]\) by msa\.red\.test \(TLSv1\.3 \S+\) with ESMTPSA id \S+ for <bob@blue\.test>; .*\r\nMessage-ID: <\S+@red\.test>\r\nDate: .* \+0000\r\n$/,
  );
  assert.equal(
    text.slice(text.indexOf('From: Alice')),
    'From: Alice <alice@red.test>\r\nSubject: hi\r\n\r\nBcc: text\r\n',
  );
});

test('what is there is not added: the rest leaves octet for octet', async () => {
  await using world = await startWorld();
  const message = [
    'Date: Tue, 24 Nov 2026 11:00:00 +0000',
    'Message-Id: <own@red.test>',
    'From: sales@red.test',
    'X: \u00fc',
    '',
    '.stuffed',
  ];
  await world.play(`${LOGIN}
    ${send('alice@red.test', ['bob@blue.test'], ...message.map((line) => (line.startsWith('.') ? `.${line}` : line)))}
    S: 250 2.0.0 ...`);
  const text = world.drafts[0]?.message.toString('utf8') ?? '';
  assert.equal(text.slice(text.indexOf('Date: Tue, 24 Nov 2026 11:00:00')), `${message.join('\r\n')}\r\n`);
  assert.equal(text.match(/^Date:/gm)?.length, 1);
});

test('lone line ends of a writer become CR LF', async () => {
  await using world = await startWorld();
  await world.play(`${LOGIN}
    C: MAIL FROM:<alice@red.test>
    C: RCPT TO:<bob@blue.test>
    C: DATA
    S: ...
    S: 354 ...
    C raw: "From: alice@red.test\\nBcc: x@y.test\\nSubject: s\\n\\nbody\\rmore\\r\\n.\\r\\n"
    S: 250 2.0.0 ...`);
  assert.match(
    world.drafts[0]?.message.toString() ?? '',
    /\r\nFrom: alice@red.test\r\nSubject: s\r\n\r\nbody\r\nmore\r\n$/,
  );
});

test('sender and author must be the account’s own', async () => {
  await using world = await startWorld();
  const refusedFroms = [
    ['From: bob@blue.test'],
    ['From: alice@red.test, bob@blue.test'],
    ['From: "alice@red.test" <bob@blue.test>'],
    ['From: team: alice@red.test, bob@blue.test;'],
  ];
  await world.play(`${LOGIN}
    C: MAIL FROM:<bob@blue.test>
    S: 553 5.7.1 This sender address is not yours
    C: MAIL FROM:<later@red.test>
    S: 451 4.3.0 ...
    ${refusedFroms.map((from) => `${send('alice@red.test', ['b@blue.test'], ...from, '', 'x')}\nS: 550 5.7.1 An address in From, Sender or Resent-From is not yours`).join('\n')}
    ${send('alice@red.test', ['b@blue.test'], 'From: "A. B." <"a b"@RED.test>', '', 'x')}
    S: 250 2.0.0 ...`);
  assert.equal(world.drafts.length, 1);
});

test('a From that names nobody is refused', async () => {
  await using world = await startWorld();
  for (const from of [
    'Subject: no from',
    'From: nobody in particular',
    'From: undisclosed:;',
    'From: <>',
    'From: a@bad_domain!',
  ])
    await world.play(`${LOGIN}
      ${send('alice@red.test', ['b@blue.test'], from, '', 'x')}
      S: 550 5.6.0 ...
      C: QUIT
      S: 221 ...`);
  await world.play(`${LOGIN}
    ${send('alice@red.test', ['b@blue.test'], ' folded', 'From: alice@red.test', '', 'x')}
    S: 550 5.6.0 ...`);
  assert.deepEqual(world.drafts, []);
});

test('a notice with the null sender needs an owned From', async () => {
  await using world = await startWorld();
  await world.play(`${LOGIN}
    ${send('', ['bob@blue.test'], 'From: alice@red.test', '', 'read')}
    S: 250 2.0.0 ...
    ${send('', ['bob@blue.test'], 'From: bob@blue.test', '', 'read')}
    S: 550 5.7.1 ...`);
  assert.deepEqual(
    world.drafts.map(({ returnPath }) => returnPath),
    [''],
  );
});

test('ours with route mx are checked and left to mx; local ones are delivered; strangers go by their domain', async () => {
  await using world = await startWorld();
  await world.play(`${LOGIN}
    C: MAIL FROM:<alice@red.test>
    S: 250 ...
    C: RCPT TO:<nobody@red.test>
    S: 550 5.1.1 No such recipient here
    C: RCPT TO:<nobody>
    S: 553 5.1.3 ...
    C: RCPT TO:<later@red.test>
    S: 451 4.3.0 ...
    C: RSET
    S: 250 ...
    ${send(
      'alice@red.test',
      [
        'team@red.test',
        'all@local.test',
        'ann@local.test',
        'ann@dovecot.test',
        'Who@Else.Test',
        'x@[192.0.2.1]',
        'postmaster',
      ],
      'From: alice@red.test',
      '',
      'x',
    )}
    S: 250 2.0.0 ...`);
  assert.deepEqual(
    world.drafts[0]?.recipients.map(({ address, destination }) => [address, destination]),
    [
      ['team@red.test', 'red.test'],
      ['alice@red.test', 'red.test'],
      ['ann@local.test', localDestination('3')],
      ['guest@elsewhere.test', 'elsewhere.test'],
      ['ann@dovecot.test', 'dovecot.test'],
      ['Who@else.test', 'else.test'],
      ['x@[192.0.2.1]', '[192.0.2.1]'],
    ],
  );
});

test('a wrong password is told apart from a directory that is away', async () => {
  const world = await startWorld();
  await world.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 AUTH PLAIN LOGIN
    C: AUTH PLAIN ${plain('busy@red.test', 'sesame')}
    S: 454 4.7.0 ...
    C: AUTH PLAIN ${plain('alice@red.test', 'canary')}
    S: 535 5.7.8 Wrong name or password
    C: AUTH PLAIN ${plain('nobody@red.test', 'canary')}
    S: 535 5.7.8 Wrong name or password
    C: QUIT
    S: 221 ...
    S closed`);
  await world[Symbol.asyncDispose]();
  assert.ok(!world.transcripts.join('').includes(plain('alice@red.test', 'canary')));
  assert.deepEqual(world.events, [
    'not authenticated 4.7.0',
    'not authenticated 5.7.8',
    'not authenticated 5.7.8',
  ]);
});

test('without the commit there is no 250', async () => {
  await using world = await startWorld();
  world.spoolFails = true;
  await world.play(`${LOGIN}
    ${send('alice@red.test', ['bob@blue.test'], 'From: alice@red.test', '', 'x')}
    S: 451 4.3.0 ...`);
  assert.deepEqual(world.kicks, []);
});

test('handed on: the next machine’s 250 comes first, aliases go as they were written, and its no is ours', async () => {
  const answers: string[] = [];
  await using next = await startSmtpHost({
    script: ({ phase, line }) =>
      phase === 'message' ? answers.shift() : line.includes('<who@') ? '550 5.1.1 Nobody' : undefined,
  });
  const handoff = new Handoff({
    hop: { places: `127.0.0.1:${next.port}`, kind: 'foreign' },
    helloName: 'msa.red.test',
    credentials: undefined,
  });
  await using world = await startWorld(true, handoffCustody(handoff));
  const mail = (...to: string[]): string =>
    send('alice@red.test', to, 'From: alice@red.test', 'Bcc: b@x.test', '', 'x');
  answers.push('250 2.0.0 Ok: queued as 4711');
  const values = await world.play(`${LOGIN}
    C: MAIL FROM:<alice@red.test> RET=HDRS ENVID=e
    S: 250 ...
    C: RCPT TO:<nobody@red.test>
    S: 550 5.1.1 No such recipient here
    C: RCPT TO:<later@red.test>
    S: 451 4.3.0 ...
    C: RSET
    S: 250 ...
    ${mail('all@local.test', 'ann@local.test', 'x@else.test')}
    S: 250 2.0.0 queued as {id}
    ${mail('ann@local.test', 'who@else.test')}
    S: 550 5.1.1 Sent to nobody, for <who@else.test> was refused: Nobody`);
  answers.push('451 4.3.1 Disk full', 'drop');
  await world.play(`${LOGIN}
    ${mail('x@else.test')}
    S: 451 4.3.1 The next host says: Disk full
    ${mail('x@else.test')}
    S: 451 4.4.2 The next host did not answer, try again later`);
  handoff.close();
  const [heard] = next.messages;
  assert.deepEqual(heard?.rcpts, [
    'RCPT TO:<all@local.test>',
    'RCPT TO:<ann@local.test>',
    'RCPT TO:<x@else.test>',
  ]);
  assert.match(heard?.content ?? '', /^Received: from /);
  assert.doesNotMatch(heard?.content ?? '', /Bcc/);
  assert.deepEqual(world.drafts, []);
  assert.ok(world.events.includes(`accepted ${values.get('id')}`));
  assert.equal(world.events.filter((one) => one.startsWith('not kept: ')).length, 2);
});
