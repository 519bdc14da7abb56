/** CHUNKING, RFC 3030: messages whose octets are counted out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '../src/index.ts';
import { BodyBudget } from '../src/server/index.ts';
import { startStub } from './stub-session.ts';

const HELLO = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 DSN`;
const TO = `
  C: MAIL FROM:<a@red.test>
  C: RCPT TO:<b@blue.test>
  S: 250 ...
  S: 250 ...`;

test('chunks make one message, dots and all', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 9\r\nSubject: "
    S: 250 2.0.0 9 octets taken
    C raw: "bdat 9\r\nx\r\n\r\n.\r\n\r"
    S: 250 2.0.0 9 octets taken
    C raw: "BDAT 6 LAST\r\n\n..\r\n."
    S: 250 2.0.0 Kept
    C: QUIT
    S: 221 ...`);
  assert.deepEqual(stub.messages, ['Subject: x\r\n\r\n.\r\n\r\n..\r\n.\r\n']);
});

test('BDAT in one packet with what comes before and behind it', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(String.raw`${HELLO}
    C raw: "MAIL FROM:<a@red.test>\r\nRCPT TO:<async@blue.test>\r\nRCPT TO:<nobody@blue.test>\r\nBDAT 5\r\none\r\nBDAT 0 LAST\r\nMAIL FROM:<>\r\nRCPT TO:<c@blue.test>\r\nBDAT 12 LAST\r\nQUIT\r\nNOOP\r\nNOOP\r\n"
    S: 250 2.1.0 ...
    S: 250 2.1.5 ...
    S: 550 5.1.1 ...
    S: 250 2.0.0 5 octets taken
    S: 250 2.0.0 Kept
    S: 250 2.1.0 ...
    S: 250 2.1.5 ...
    S: 250 2.0.0 Kept
    S: 250 2.0.0 OK`);
  assert.deepEqual(stub.messages, ['one\r\n', 'QUIT\r\nNOOP\r\n']);
});

test('an empty message, and one octet at a time', async () => {
  await using stub = await startStub({ tls: 'none' });
  const drip = Array.from('ab\r\nc\r\n')
    .map((c) => `C raw: ${JSON.stringify(`BDAT 1\r\n${c}`)}`)
    .join('\n');
  await stub.play(`${HELLO}${TO}
    C: BDAT 0 LAST
    S: 250 2.0.0 Kept${TO}
    ${drip}
    C: BDAT 0 LAST
    ${'S: 250 2.0.0 1 octets taken\n'.repeat(7)}
    S: 250 2.0.0 Kept`);
  assert.deepEqual(stub.messages, ['', 'ab\r\nc\r\n']);
});

test('the octets of a refused BDAT are no commands', async () => {
  await using stub = await startStub({ tls: 'none' });
  const evil = String.raw`MAIL FROM:<evil@red.test>\r\n`;
  await stub.play(String.raw`
    S: 220 ...
    C raw: "BDAT 27\r\n${evil}"
    S: 503 5.5.1 Say EHLO first
    C: HELO client.test
    S: 250 ...
    C raw: "BDAT 27\r\n${evil}"
    S: 503 5.5.1 Say EHLO first
    C: EHLO client.test
    S: ...
    S: 250 DSN
    C raw: "BDAT 27 LAST\r\n${evil}"
    S: 503 5.5.1 MAIL comes first
    C: MAIL FROM:<a@red.test>
    S: 250 ...
    C raw: "BDAT 27 LAST\r\n${evil}"
    S: 554 5.5.1 No valid recipients
    C: RCPT TO:<greylisted@blue.test>
    S: 250 ...
    C raw: "BDAT 27\r\n${evil}BDAT 27 LAST\r\n${evil}"
    S: 451 4.7.1 Not yet
    S: 503 5.5.1 The message was refused, say RSET first
    C: RSET
    S: 250 2.0.0 OK
    C: NOOP
    S: 250 ...`);
  assert.ok(!stub.calls.some((call) => call.includes('evil')));
  assert.deepEqual(stub.messages, []);
});

test('a size that cannot be counted ends the conversation', async () => {
  await using stub = await startStub({ tls: 'none' });
  const sizes = ['', 'x', '-1', '0x10', '1 FIRST', '1 LAST LAST', '123456789012345678901', '1.5'];
  for (const size of sizes)
    await stub.play(`${HELLO}${TO}
      C: BDAT ${size}
      S: 501 5.5.4 Write BDAT size, or BDAT size LAST
      S closed`);
  await stub.play(`${HELLO}${TO}
    C: BDAT 99999999999999999999
    S: 552 5.3.4 ...
    S closed`);
});

test('DATA and BDAT do not mix, and nothing is added once chunks have come', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 3\r\na\r\n"
    S: 250 2.0.0 3 octets taken
    C: DATA
    S: 503 5.5.1 The message is coming in by BDAT
    C: RCPT TO:<c@blue.test>
    S: 503 5.5.1 The message is coming in by BDAT
    C: MAIL FROM:<a@red.test>
    S: 503 5.5.1 ...
    C raw: "BDAT 3 LAST\r\nb\r\n"
    S: 250 2.0.0 Kept${TO}
    C: DATA
    S: 354 ...
    C: BDAT 3 LAST
    C: .
    S: 250 2.0.0 Kept`);
  assert.deepEqual(stub.messages, ['a\r\nb\r\n', 'BDAT 3 LAST\r\n']);
});

test('RSET in the middle forgets what had come', async () => {
  const budget = new BodyBudget(1000);
  await using stub = await startStub({ tls: 'none', budget });
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 8\r\nhalf a m"
    S: 250 2.0.0 8 octets taken
    C: RSET
    S: 250 2.0.0 OK
    C raw: "BDAT 6 LAST\r\nessage"
    S: 503 5.5.1 MAIL comes first${TO}
    C raw: "BDAT 7 LAST\r\nother\r\n"
    S: 250 2.0.0 Kept${TO}
    C raw: "BDAT 8\r\nhalf a m"
    S: 250 ...
    C: EHLO client.test
    S: ...
    S: 250 DSN
    C raw: "BDAT 6 LAST\r\nessage"
    S: 503 5.5.1 MAIL comes first`);
  assert.deepEqual(stub.messages, ['other\r\n']);
  assert.equal(budget.used, 0);
});

const bare: [string, string][] = [
  ['a lone LF', String.raw`a\nbc`],
  ['a lone CR', String.raw`a\rbc`],
  ['a CR at the end', String.raw`abc\r`],
  ['an end of message of the smugglers', String.raw`\n.\r\n`],
];
test('lone CR and LF are refused as in DATA, in whichever chunk', async () => {
  await using stub = await startStub({ tls: 'none' });
  for (const [, octets] of bare)
    await stub.play(String.raw`${HELLO}${TO}
      C raw: "BDAT 4 LAST\r\n${octets}"
      S: 550 5.6.11 ...
      C: NOOP
      S: 250 ...`);
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 2\r\na\rBDAT 2\r\nb\nBDAT 2 LAST\r\nc\n"
    S: 250 2.0.0 2 octets taken
    S: 550 5.6.11 ...
    S: 503 5.5.1 The message was refused, say RSET first
    C: MAIL FROM:<a@red.test>
    S: 503 5.5.1 ...
    C: RCPT TO:<b@blue.test>
    S: 503 5.5.1 The message was refused, say RSET first
    C: DATA
    S: 503 5.5.1 The message was refused, say RSET first
    C: RSET
    S: 250 2.0.0 OK${TO}
    C raw: "BDAT 3 LAST\r\n\u0000\r\n"
    S: 550 5.6.0 ...`);
  assert.deepEqual(stub.messages, []);
});

test('a writer’s lone CR and LF become CRLF', async () => {
  await using stub = await startStub({ tls: 'none', bareLineEnds: 'normalise' });
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 4\r\na\nb\rBDAT 3\r\nc\r\nBDAT 5 LAST\r\n\n.\nd\r"
    S: 250 2.0.0 4 octets taken
    S: 250 2.0.0 3 octets taken
    S: 250 2.0.0 Kept`);
  assert.deepEqual(stub.messages, ['a\r\nb\r\nc\r\n\r\n.\r\nd\r\n']);
});

test('what will be too big is not kept, what finds no room is refused for now', async () => {
  const budget = new BodyBudget(60);
  await using stub = await startStub({ tls: 'none', maxSize: 100, budget });
  const octets = (count: number): string => 'x'.repeat(count);
  await stub.play(`${HELLO}${TO}
    C raw: "BDAT 50\\r\\n${octets(50)}"
    S: 250 ...
    C raw: "BDAT 51\\r\\n${octets(51)}BDAT 1 LAST\\r\\n."
    S: 552 5.3.4 ...
    S: 503 5.5.1 The message was refused, say RSET first
    C: RSET
    S: 250 ...${TO}
    C raw: "BDAT 70 LAST\\r\\n${octets(70)}"
    S: 452 4.3.1 ...${TO}
    C raw: "BDAT 58 LAST\\r\\n${octets(58)}"
    S: 250 2.0.0 Kept`);
  assert.equal(stub.messages.length, 1);
  assert.equal(budget.used, 0);
});

test('LMTP: one answer for each chunk, at the last one for each recipient', async () => {
  await using stub = await startStub({ protocol: 'lmtp', tls: 'none' });
  stub.answers.push([reply(250, '2.1.5', 'first'), reply(452, '4.2.2', 'second')]);
  const to = `
    C: MAIL FROM:<>
    C: RCPT TO:<a@red.test>
    C: RCPT TO:<nobody@red.test>
    C: RCPT TO:<a@red.test>
    S: 250 ...
    S: 250 ...
    S: 550 ...
    S: 250 ...`;
  await stub.play(String.raw`
    S: 220 ...
    C: LHLO mta
    S: ...
    S: 250-CHUNKING
    S: 250 DSN${to}
    C raw: "BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\n"
    S: 250 2.0.0 3 octets taken
    S: 250 2.1.5 first
    S: 452 4.2.2 second${to}
    C raw: "BDAT 3 LAST\r\na\rb"
    S: 550 5.6.11 ...
    S: 550 5.6.11 ...
    C: NOOP
    S: 250 ...`);
});

test('where a login is needed the octets before it are thrown away', async () => {
  await using stub = await startStub({ auth: true, tls: 'starttls' });
  await stub.play(String.raw`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C raw: "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"
    S: 530 5.7.0 ...
    S: 250 2.0.0 OK`);
});

test('binary messages are not offered', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test> BODY=BINARYMIME
    S: 555 5.5.4 BODY=BINARYMIME is not offered`);
});

test('a connection that is lost between chunks leaves nothing, and a slow one is cut', async () => {
  const budget = new BodyBudget(1000);
  const options = { budget, timers: { rateWindow: 300 }, limits: { minimumRate: 1_000_000 } };
  await using stub = await startStub({ tls: 'none', ...options });
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 5\r\nabcde"
    S: 250 ...
    C end
    S closed`);
  await stub.play(String.raw`${HELLO}${TO}
    C raw: "BDAT 5\r\nabcde"
    S: 250 ...
    S: 421 4.4.2 mail.test the message comes too slowly
    S closed`);
  assert.deepEqual(stub.messages, []);
  assert.equal(budget.used, 0);
});
