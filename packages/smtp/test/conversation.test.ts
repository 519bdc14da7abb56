import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStub } from './stub-session.ts';

const HELLO = `
  S: 220 mail.test ESMTP ...
  C: EHLO client.test
  S: ...
  S: 250 DSN`;

test('a message is taken after it was offered in the usual order', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`
    S: 220 mail.test ESMTP Waybill
    C: EHLO Client.Test
    S: 250-mail.test
    S: 250-PIPELINING
    S: 250-SIZE 1000000
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-ENHANCEDSTATUSCODES
    S: 250-CHUNKING
    S: 250 DSN
    C: MAIL FROM:<a@red.test> SIZE=20 BODY=8BITMIME
    S: 250 2.1.0 Sender taken
    C: RCPT TO:<b@blue.test>
    S: 250 2.1.5 Taken
    C: DATA
    S: 354 ...
    C: Subject: x
    C:
    C: ..dot
    C: .
    S: 250 2.0.0 Kept
    C: QUIT
    S: 221 2.0.0 ...
    S closed`);
  assert.deepEqual(stub.messages, ['Subject: x\r\n\r\n.dot\r\n']);
  assert.deepEqual(stub.calls.slice(0, 2), ['reset', 'hello client.test']);
  assert.match(stub.calls[2] ?? '', /^mail a@red.test .*"size":20/);
});

test('everything in one packet is answered in order', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<async@blue.test>
    C: RCPT TO:<nobody@blue.test>
    C: RCPT TO:<c@blue.test>
    C: DATA
    S: 250 2.1.0 ...
    S: 250 2.1.5 ...
    S: 550 5.1.1 ...
    S: 250 2.1.5 ...
    S: 354 ...
    C: one
    C: .
    C: MAIL FROM:<>
    C: RCPT TO:<async@blue.test>
    C: DATA
    S: 250 2.0.0 Kept
    S: 250 2.1.0 ...
    S: 250 2.1.5 ...
    S: 354 ...
    C: two
    C: .
    C: QUIT
    S: 250 2.0.0 Kept
    S: 221 ...
    S closed`);
  assert.deepEqual(stub.messages, ['one\r\n', 'two\r\n']);
});

test('commands out of order are refused and change nothing', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`
    S: 220 ...
    C: MAIL FROM:<a@red.test>
    S: 503 5.5.1 Say EHLO first
    C: HELO client.test
    S: 250 mail.test
    C: MAIL FROM:<a@red.test> SIZE=1
    S: 555 5.5.4 ...
    C: EHLO client.test
    S: ...
    S: 250 DSN
    C: RCPT TO:<b@blue.test>
    S: 503 5.5.1 MAIL comes first
    C: MAIL FROM:<a@red.test>
    S: 250 ...
    C: MAIL FROM:<a@red.test>
    S: 503 5.5.1 ...
    C: DATA
    S: 554 5.5.1 No valid recipients
    C: RSET
    S: 250 2.0.0 OK
    C: DATA
    S: 503 ...
    C: LHLO x
    S: 500 5.5.1 ...
    C: STARTTLS
    S: 502 5.5.1 ...
    C: VRFY alice
    S: 252 2.5.2 ...
    C: QUIT
    S: 221 ...`);
});

test('a session may refuse at EHLO, at DATA and at the end', async () => {
  await using stub = await startStub({ tls: 'none' });
  stub.answers.push({ code: 550, enhanced: '5.7.1', lines: ['Two', 'lines'] });
  await stub.play(`
    S: 220 ...
    C: EHLO bad.test
    S: 550 5.7.1 Not you
    C: EHLO good.test
    S: ...
    S: 250 DSN
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<greylisted@blue.test>
    C: DATA
    S: 250 ...
    S: 250 ...
    S: 451 4.7.1 Not yet
    C: RCPT TO:<b@blue.test>
    C: DATA
    S: 250 ...
    S: 354 ...
    C: x
    C: .
    S: 550-5.7.1 Two
    S: 550 5.7.1 lines
    C: QUIT
    S: 221 ...`);
});

test('what a session throws is answered 451 and told to the operator, never to the client', async () => {
  await using stub = await startStub({ tls: 'none' });
  stub.answers.push(new Error('database password is hunter2'));
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test>
    S: 250 ...
    C: RCPT TO:<boom@blue.test>
    S: 451 4.3.0 Something went wrong here, try again later
    C: RCPT TO:<b@blue.test>
    S: 250 ...
    C: DATA
    S: 354 ...
    C: x
    C: .
    S: 451 4.3.0 Something went wrong here, try again later
    C: NOOP
    S: 250 ...`);
  assert.deepEqual(stub.errors, ['rcpt: boom at rcpt', 'message: database password is hunter2']);
});

test('LMTP answers once for each accepted recipient, the same one twice included', async () => {
  await using stub = await startStub({ protocol: 'lmtp', tls: 'none' });
  stub.answers.push(
    [
      { code: 250, enhanced: '2.1.5', lines: ['first'] },
      { code: 452, enhanced: '4.2.2', lines: ['second'] },
      { code: 250, enhanced: '2.1.5', lines: ['third'] },
    ],
    { code: 451, enhanced: '4.3.0', lines: ['all'] },
    [
      { code: 250, enhanced: '2.1.5', lines: ['only one'] },
      { code: 250, enhanced: '2.1.5', lines: ['two'] },
    ],
  );
  const transaction = `
    C: MAIL FROM:<>
    C: RCPT TO:<a@red.test>
    C: RCPT TO:<nobody@red.test>
    C: RCPT TO:<b@red.test>
    C: RCPT TO:<a@red.test>
    C: DATA
    S: 250 ...
    S: 250 ...
    S: 550 5.1.1 ...
    S: 250 ...
    S: 250 ...
    S: 354 ...
    C: x
    C: .`;
  await stub.play(`
    S: 220 mail.test LMTP Waybill
    C: EHLO mta
    S: 500 5.5.1 ...
    C: MAIL FROM:<>
    S: 503 5.5.1 Say LHLO first
    C: LHLO mta
    S: ...
    S: 250 DSN
    ${transaction}
    S: 250 2.1.5 first
    S: 452 4.2.2 second
    S: 250 2.1.5 third
    ${transaction}
    S: 451 4.3.0 all
    S: 451 4.3.0 all
    S: 451 4.3.0 all
    ${transaction}
    S: 250 2.1.5 only one
    S: 250 2.1.5 two
    S: 451 4.3.0 ...
    C: MAIL FROM:<>
    C: DATA
    S: 250 ...
    S: 503 5.5.1 No valid recipients
    C: QUIT
    S: 221 ...`);
  assert.deepEqual(stub.errors, ['message: a recipient got no answer']);
});

test('private parameters are known to a verified agent only', async () => {
  const id = '0190b3c4-0000-7000-8000-000000000001';
  const script = (answer: string, offered: string): string => `
    S: 220 ...
    C: LHLO mta
    S: ...
    S: 250 DSN
    C: STARTTLS
    S: 220 2.0.0 ...
    C tls
    C: LHLO mta
    S: ...
    S: 250 ${offered}
    C: MAIL FROM:<>
    S: 250 ...
    C: RCPT TO:<a@red.test> XDELIVERY=${id} XACCOUNT=7 XJOURNEY=${id}
    S: ${answer}`;
  await using agents = await startStub({ protocol: 'lmtp', asAgent: true });
  await agents.play(script('250 2.1.5 ...', 'XWAYBILL').replace('250 DSN', '250 STARTTLS'));
  assert.match(
    agents.calls.find((call) => call.startsWith('rcpt')) ?? '',
    new RegExp(`rcpt a@red.test .*"deliveryId":"${id}"`),
  );
  await using strangers = await startStub({ protocol: 'lmtp' });
  await strangers.play(script('555 5.5.4 ...', 'DSN').replace('250 DSN', '250 STARTTLS'));
});

test('a client that has said all it wants and closes its side gets every answer', async () => {
  await using stub = await startStub({ tls: 'none', outOfTurn: true });
  await stub.play(`
    C: EHLO client.test
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<async@blue.test>
    C: NOOP
    C end
    S: ...
    S: 250 DSN
    S: 250 2.1.0 ...
    S: 250 2.1.5 ...
    S: 250 2.0.0 OK
    S closed`);
});

test('a connection that is lost within a message leaves nothing', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<b@blue.test>
    C: DATA
    S: ...
    S: 354 ...
    C: half a message
    C end
    S closed`);
  assert.deepEqual(stub.messages, []);
  assert.equal(stub.calls.at(-1), 'closed closed within a message');
});
