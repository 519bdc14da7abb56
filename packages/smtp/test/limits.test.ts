import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { type Reply, reply } from '../src/index.ts';
import { BodyBudget } from '../src/server/index.ts';
import { startStub } from './stub-session.ts';

const HELLO = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 DSN`;
const TO_DATA = `
  C: MAIL FROM:<a@red.test>
  C: RCPT TO:<b@blue.test>
  C: DATA
  S: 250 ...
  S: 250 ...
  S: 354 ...`;

test('a lone LF or CR in a command ends the conversation', async () => {
  await using stub = await startStub({ tls: 'none' });
  for (const raw of ['EHLO a\\nMAIL FROM:<a@red.test>\\r\\n', 'NOOP\\n', 'NO\\rOP\\r\\n'])
    await stub.play(`
      S: 220 ...
      C raw: "${raw}"
      S: 500 5.5.2 Lines end with CR LF...
      S closed`);
});

test('on submission a lone LF ends a command', async () => {
  await using stub = await startStub({ tls: 'none', bareLineEnds: 'normalise', outOfTurn: true });
  await stub.play(String.raw`
    S: 220 ...
    C raw: "EHLO a\nMAIL FROM:<a@red.test>\nRCPT TO:<b@blue.test>\nDATA\n"
    S: ...
    S: 354 ...
    C raw: "a\nb\r\n.\r\n"
    S: 250 2.0.0 Kept
    C raw: "NO\rOP\r\n"
    S: 500 5.5.2 ...`);
  assert.deepEqual(stub.messages, ['a\r\nb\r\n']);
});

const smuggling = [
  String.raw`\n.\n`,
  String.raw`\n.\r\n`,
  String.raw`\r.\r`,
  String.raw`\r\n.\n`,
  String.raw`\r\n.\r`,
  String.raw`\r\n\u0000.\r\n`,
];
test('no other end of message opens a second envelope', async () => {
  await using stub = await startStub({ tls: 'none' });
  for (const end of smuggling)
    await stub.play(`${HELLO}${TO_DATA}
      C raw: "x${end}MAIL FROM:<evil@red.test>\\r\\nRCPT TO:<v@blue.test>\\r\\nDATA\\r\\nfake\\r\\n.\\r\\nNOOP\\r\\n"
      S: 550 5.6...
      S: 250 2.0.0 OK`);
  assert.deepEqual(stub.messages, []);
  assert.ok(!stub.calls.some((call) => call.includes('evil')));
});

test('a NUL, a control character or an octet that is no UTF-8 makes no command', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(String.raw`
    S: 220 ...
    C raw: "NOOP\u0000\r\n"
    S: 500 5.5.2 ...
    C raw: "NOOP \u001b[31m\r\n"
    S: 500 5.5.2 ...
    C raw: "NOOP \u00ff\r\n"
    S: 500 5.5.2 ...`);
});

test('a long command is refused, an endless one cut', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`
    S: 220 ...
    C: NOOP ${'x'.repeat(2043)}
    S: 250 ...
    C: NOOP ${'x'.repeat(2044)}
    S: 500 5.5.2 Line too long
    C: NOOP ${'x'.repeat(20_000)}
    S: 500 5.5.2 Line too long
    C: NOOP
    S: 250 ...
    C raw: "${'x'.repeat(70_000)}"
    S: 500 5.5.2 Line without end
    S closed`);
});

test('a message over the limit is refused when it is announced, and when it is sent', async () => {
  await using stub = await startStub({ tls: 'none', maxSize: 100 });
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test> SIZE=101
    S: 552 5.3.4 ...${TO_DATA}
    C: ${'x'.repeat(200)}
    C: .
    S: 552 5.3.4 ...${TO_DATA}
    C: ${'x'.repeat(98)}
    C: .
    S: 250 2.0.0 Kept`);
  assert.equal(stub.messages.length, 1);
});

test('without room for the message the client is told to come back', async () => {
  const budget = new BodyBudget(1000);
  await using stub = await startStub({ tls: 'none', budget });
  await stub.play(`${HELLO}${TO_DATA}
    C: ${'x'.repeat(2000)}
    C: .
    S: 452 4.3.1 ...${TO_DATA}
    C: ${'x'.repeat(500)}
    C: .
    S: 250 2.0.0 Kept`);
  assert.equal(budget.used, 0);
});

test('a client that leaves before the answer leaves no room taken', { timeout: 10_000 }, async () => {
  const room = Promise.withResolvers<number>();
  class Watched extends BodyBudget {
    override give(octets: number): void {
      super.give(octets);
      if (octets > 0) room.resolve(this.used);
    }
  }
  await using stub = await startStub({ tls: 'none', outOfTurn: true, budget: new Watched(1000) });
  const [begun, gone, answer] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<Reply>(),
  ];
  stub.answers.push(answer.promise);
  stub.messages.push = () => {
    begun.resolve();
    return 1;
  };
  stub.calls.push = (call) => {
    if (call?.startsWith('closed') === true) gone.resolve();
    return 1;
  };
  const client = net.connect({ port: stub.listener.port, host: '127.0.0.1' });
  client.write(
    'EHLO c.test\r\nMAIL FROM:<a@red.test>\r\nRCPT TO:<b@blue.test>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n',
  );
  await begun.promise;
  client.resetAndDestroy();
  await gone.promise;
  answer.resolve(reply(250, '2.0.0', 'Kept'));
  assert.equal(await room.promise, 0);
});

test('recipients beyond the limit are for another message', async () => {
  await using stub = await startStub({ tls: 'none', maxRecipients: 1 });
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<b@blue.test>
    C: RCPT TO:<c@blue.test>
    S: 250 ...
    S: 250 ...
    S: 452 4.5.3 ...`);
});

test('what was sent behind a sender or recipients that are refused is no mistake of its own', async () => {
  await using stub = await startStub({ tls: 'none', maxSize: 1000 });
  const many = Array.from({ length: 20 }, () => 'C: RCPT TO:<b@blue.test>').join('\n');
  const answers = Array.from({ length: 21 }, () => 'S: 503 5.5.1 ...').join('\n');
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test> SIZE=2000
    ${many}
    C: DATA
    S: 552 5.3.4 ...
    ${answers}`);
  const refused = `
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<nobody@blue.test>
    C: DATA
    C: RSET
    S: 250 ...
    S: 550 5.1.1 ...
    S: 554 5.5.1 ...
    S: 250 2.0.0 OK`;
  await stub.play(`${HELLO}${refused.repeat(12)}`);
});

test('a client that keeps making mistakes is cut', async () => {
  await using stub = await startStub({ tls: 'none' });
  const mistakes = Array.from({ length: 9 }, () => 'C: WHAT\nS: 500 5.5.1 ...').join('\n');
  await stub.play(`${HELLO}
    ${mistakes}
    C: WHAT
    S: 500 5.5.1 ...
    S: 421 4.7.0 Too many errors
    S closed`);
});

test('so is one that talks and sends nothing, and one that guesses names', async () => {
  await using stub = await startStub({ tls: 'none', limits: { junk: 5, refusals: 4, refusalsAtOnce: 2 } });
  await stub.play(`${HELLO}
    C: NOOP
    C: RSET
    C: VRFY x
    C: NOOP
    C: NOOP
    S: 250 ...
    S: 250 ...
    S: 252 ...
    S: 421 4.7.0 Too many commands without mail
    S closed
    S2: 220 ...
    C2: EHLO client.test
    S2: ...
    S2: 250 DSN
    C2: MAIL FROM:<a@red.test>
    C2: RCPT TO:<nobody1@blue.test>
    C2: RCPT TO:<nobody2@blue.test>
    C2: RCPT TO:<nobody3@blue.test>
    C2: RCPT TO:<nobody4@blue.test>
    C2: RCPT TO:<nobody5@blue.test>
    S2: 250 ...
    S2: 550 ...
    S2: 550 ...
    S2: 550 ...
    S2: 550 ...
    S2: 421 4.7.0 ...
    S2 closed`);
  assert.ok(!stub.calls.some((call) => call.includes('nobody5')));
});

test('a browser is told so and cut', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`
    S: 220 ...
    C: POST / HTTP/1.1
    C: Host: mail.test
    C:
    C: MAIL FROM:<a@red.test>
    S: 500 5.5.1 This is no web server
    S closed`);
  assert.ok(!stub.calls.some((call) => call.startsWith('mail')));
});

test('silence ends the conversation, sooner before EHLO', async () => {
  await using stub = await startStub({ tls: 'none', timers: { hello: 20, idle: 60_000 } });
  await stub.play(`
    S: 220 ...
    S: 421 4.4.2 mail.test idle for too long
    S closed`);
  await using other = await startStub({ tls: 'none', timers: { idle: 500 } });
  await other.play(`${HELLO}${TO_DATA}
    S: 421 4.4.2 mail.test idle for too long
    S closed`);
  assert.deepEqual(other.messages, []);
});

test('a message that trickles in, and a session without end, are cut', async () => {
  const budget = new BodyBudget(1000);
  await using stub = await startStub({
    tls: 'none',
    budget,
    timers: { rateWindow: 400 },
    limits: { minimumRate: 1_000_000 },
  });
  await stub.play(`${HELLO}${TO_DATA}
    C: slow
    S: 421 4.4.2 mail.test the message comes too slowly
    S closed`);
  assert.equal(budget.used, 0);
  await using other = await startStub({ tls: 'none', timers: { total: 700 } });
  await other.play(`${HELLO}
    S: 421 4.4.2 mail.test the session takes too long
    S closed`);
});

test('drain says good-bye between commands, and lets a message finish', async () => {
  const stub = await startStub({ tls: 'none' });
  let sendRest = (): void => undefined;
  const answered = new Promise<{ code: number; enhanced: string; lines: string[] }>((resolve) => {
    sendRest = () => resolve({ code: 250, enhanced: '2.0.0', lines: ['Kept after all'] });
  });
  stub.answers.push(answered);
  const played = stub.play(`${HELLO}
    S2: 220 ...
    C2: EHLO busy.test
    S2: ...
    S2: 250 DSN
    C2: MAIL FROM:<a@red.test>
    C2: RCPT TO:<b@blue.test>
    C2: DATA
    S2: ...
    S2: 354 ...
    C2: x
    C2: .
    S: 421 4.3.2 mail.test is going down...
    S closed
    S2: 250 2.0.0 Kept after all
    S2: 421 4.3.2 mail.test is going down...
    S2 closed`);
  while (stub.messages.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const drained = stub.listener.drain(2000);
  while (stub.listener.open > 1) await new Promise((resolve) => setImmediate(resolve));
  sendRest();
  await played;
  await drained;
});

test('a transcript tells what was said, and no message and no secret', async () => {
  const stub = await startStub({ tls: 'none' });
  await stub.play(`${HELLO}${TO_DATA}
    C: confidential
    C: .
    S: 250 ...
    C: QUIT
    S: 221 ...
    S closed`);
  await stub[Symbol.asyncDispose]();
  const [text = ''] = stub.transcripts;
  assert.match(text, /C: MAIL FROM:<a@red.test>\n *\d+ S: 250 2\.1\.0 Sender taken\n *\d+ C: RCPT/);
  assert.match(text, /C: \.\.\. 17 octets \.\.\.\n *\d+ S: 250 2\.0\.0 Kept/);
  assert.ok(!text.includes('confidential'));
});
