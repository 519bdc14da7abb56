import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStub } from './stub-session.ts';

const plain = (text: string): string => Buffer.from(text).toString('base64');
const submission = { auth: true, tls: 'starttls', bareLineEnds: 'normalise' } as const;

test('in clear AUTH is neither offered nor taken, and mail needs it', async () => {
  await using stub = await startStub(submission);
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: AUTH PLAIN ${plain('\0alice\0sesame')}
    S: 538 5.7.11 ...
    C: MAIL FROM:<a@red.test>
    S: 530 5.7.0 Authentication required`);
  assert.ok(!stub.calls.some((call) => call.startsWith('auth')));
});

test('where TLS is required nothing of importance is done in clear', async () => {
  await using stub = await startStub({ ...submission, tls: 'required' });
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: MAIL FROM:<a@red.test>
    S: 530 5.7.0 Say STARTTLS first
    C: AUTH LOGIN
    S: 530 5.7.0 Say STARTTLS first
    C: NOOP
    S: 250 ...`);
});

test('STARTTLS forgets what was said in clear', async () => {
  await using stub = await startStub({ tls: 'starttls' });
  await stub.play(`
    S: 220 ...
    C: EHLO before.test
    S: ...
    S: 250 STARTTLS
    C: MAIL FROM:<a@red.test>
    S: 250 ...
    C: STARTTLS
    S: 220 2.0.0 ...
    C tls
    C: RCPT TO:<b@blue.test>
    S: 503 5.5.1 Say EHLO first
    C: EHLO after.test
    S: ...
    S: 250 DSN
    C: RCPT TO:<b@blue.test>
    S: 503 5.5.1 MAIL comes first
    C: STARTTLS
    S: 503 5.5.1 TLS is up already`);
  assert.ok(stub.calls.includes('hello after.test'));
});

test('commands slipped in behind STARTTLS count for nothing', async () => {
  await using stub = await startStub({ tls: 'starttls' });
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: STARTTLS
    C: MAIL FROM:<evil@red.test>
    S: 554 5.5.0 ...
    S closed`);
  assert.ok(!stub.calls.some((call) => call.includes('evil')));
});

const TLS = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 AUTH PLAIN LOGIN`;

test('PLAIN and LOGIN, with and without initial response', async () => {
  await using stub = await startStub({ ...submission, implicitTls: true });
  const ways = [
    `C: AUTH PLAIN ${plain('\0alice\0sesame')}`,
    `C: auth plain\nS: 334 \nC: ${plain('alice\0alice\0sesame')}`,
    `C: AUTH LOGIN\nS: 334 ${plain('Username:')}\nC: ${plain('alice')}\nS: 334 ${plain('Password:')}\nC: ${plain('sesame')}`,
    `C: AUTH LOGIN ${plain('alice')}\nS: 334 ${plain('Password:')}\nC: ${plain('sesame')}`,
  ];
  for (const way of ways)
    await stub.play(`${TLS}
      ${way}
      S: 235 2.7.0 Welcome
      C: AUTH PLAIN ${plain('\0alice\0sesame')}
      S: 503 5.5.1 Already authenticated
      C: MAIL FROM:<a@red.test> AUTH=<>
      S: 250 ...
      C: QUIT
      S: 221 ...`);
  assert.equal(stub.calls.filter((call) => call.endsWith('alice sesame')).length, ways.length);
});

test('an exchange that goes wrong leaves the client unauthenticated', async () => {
  await using stub = await startStub({ ...submission, implicitTls: true });
  await stub.play(`${TLS}
    C: AUTH PLAIN
    S: 334 ...
    C: *
    S: 501 5.7.0 Authentication cancelled
    C: AUTH PLAIN !!!!
    S: 501 5.5.2 ...
    C: AUTH PLAIN ${plain('no separators')}
    S: 501 5.5.2 ...
    C: AUTH CRAM-MD5
    S: 504 5.5.4 ...
    C: MAIL FROM:<a@red.test>
    S: 530 5.7.0 Authentication required
    C: AUTH PLAIN ${plain('bob\0alice\0sesame')}
    S: 535 5.7.8 ...
    C: AUTH PLAIN ${plain(`\0alice\0${'x'.repeat(2000)}`)}
    S: 535 5.7.8 ...
    C: AUTH PLAIN ${plain('\0alice\0wrong')}
    S: 535 5.7.8 ...
    S: 421 4.7.0 Too many failed logins
    S closed`);
});

test('no password is in a transcript', async () => {
  const stub = await startStub({ ...submission, implicitTls: true });
  const secrets = [plain('\0alice\0canary'), plain('canary2')];
  await stub.play(`${TLS}
    C: AUTH PLAIN ${secrets[0]}
    S: 535 ...
    C: AUTH LOGIN ${plain('alice')}
    S: 334 ...
    C: ${secrets[1]}
    S: 535 ...
    C: QUIT
    S: 221 ...
    S closed`);
  await stub[Symbol.asyncDispose]();
  const [text = ''] = stub.transcripts;
  assert.match(text, /C: AUTH PLAIN \*\*\*\n/);
  for (const secret of [...secrets, 'canary']) assert.ok(!text.includes(secret));
});

test('nor is one that is said where none is asked for', async () => {
  const stub = await startStub(submission);
  const secrets = [plain('alice'), plain('canary1'), plain('\0alice\0canary2'), plain('\0alice\0canary3')];
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: AUTH LOGIN
    S: 538 5.7.11 ...
    C: ${secrets[0]}
    S: 500 ...
    C: ${secrets[1]}
    S: 500 ...
    C: AUTH\tPLAIN ${secrets[2]}
    S: 500 ...
    C: AUTH=PLAIN ${secrets[3]}
    S: 500 ...
    C: QUIT
    S: 221 ...
    S closed`);
  await stub[Symbol.asyncDispose]();
  const [text = ''] = stub.transcripts;
  for (const secret of secrets) assert.ok(!text.includes(secret), text);
  assert.match(text, /C: QUIT\n/);
});

test('a port without accounts has no AUTH', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 DSN
    C: AUTH PLAIN
    S: 502 5.5.1 ...
    C: MAIL FROM:<a@red.test> AUTH=<>
    S: 555 5.5.4 ...`);
});
