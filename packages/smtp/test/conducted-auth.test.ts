/** Mechanisms that the session conducts: what the engine carries, bounds and counts (RFC 4954 §4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reply } from '../src/index.ts';
import type { SaslStepAnswer, SaslStepRequest } from '../src/server/index.ts';
import { startStub } from './stub-session.ts';

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const LONG = b64('c'.repeat(3000));

/** `again` asks for ever, `yes` and `no` end it, `boom` is a bug, anything else is asked for its second half. */
function sessions(asked: SaslStepRequest[]) {
  return {
    mechanisms: ['SCRAM-SHA-256', 'PLAIN'],
    async sasl(step: SaslStepRequest): Promise<SaslStepAnswer> {
      asked.push(step);
      await Promise.resolve();
      const text = Buffer.from(step.response ?? '', 'base64').toString();
      if (text === 'boom') throw new Error('boom at sasl');
      if (text === 'yes') return reply(235, '2.7.0', 'Welcome');
      if (text === 'no') return reply(535, '5.7.8', 'Wrong');
      if (text === 'later') return reply(454, '4.7.0', 'Later');
      return { challenge: step.response === undefined ? '' : LONG, state: `after ${text.slice(0, 5)}` };
    },
  };
}

const HELLO = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 AUTH SCRAM-SHA-256 PLAIN`;
const submission = { auth: true, tls: 'required', implicitTls: true } as const;

test('steps are carried with the state that the session gave, challenges whole', async () => {
  const asked: SaslStepRequest[] = [];
  await using stub = await startStub({ ...submission, also: sessions(asked) });
  await stub.play(`${HELLO}
    C: AUTH scram-sha-256
    S: 334 ...
    C: ${b64('first')}
    S: 334 ${LONG}
    C: ${b64('yes')}
    S: 235 2.7.0 Welcome
    C: AUTH SCRAM-SHA-256 ${b64('yes')}
    S: 503 5.5.1 Already authenticated
    C: MAIL FROM:<a@red.test>
    S: 250 ...`);
  const mechanism = 'SCRAM-SHA-256';
  assert.deepEqual(asked, [
    { mechanism, response: undefined, state: undefined },
    { mechanism, response: b64('first'), state: 'after ' },
    { mechanism, response: b64('yes'), state: 'after first' },
  ]);
});

test('"=" is an empty initial response; a line of 12,000 octets is one response', async () => {
  const asked: SaslStepRequest[] = [];
  await using stub = await startStub({ ...submission, also: sessions(asked) });
  const token = b64('t'.repeat(9000));
  await stub.play(`${HELLO}
    C: AUTH SCRAM-SHA-256 =
    S: 334 ...
    C: ${token}
    S: 334 ...
    C:
    S: 334 ...
    C: *
    S: 501 5.7.0 Authentication cancelled`);
  assert.deepEqual(
    asked.map(({ response }) => response),
    ['', token, ''],
  );
});

test('nonsense, endless exchanges, trouble and bugs end the exchange and leave the client unauthenticated', async () => {
  const asked: SaslStepRequest[] = [];
  await using stub = await startStub({ ...submission, also: sessions(asked) });
  await stub.play(`${HELLO}
    C: AUTH SCRAM-SHA-256 a=b
    S: 501 5.5.2 ...
    C: AUTH SCRAM-SHA-256 ${b64('again')}
    S: 334 ...
    ${`C: ${b64('again')}\nS: 334 ...\n`.repeat(5)}
    C: ${b64('again')}
    S: 501 5.5.2 ...
    C: AUTH LOGIN
    S: 504 5.5.4 This mechanism is not offered; SCRAM-SHA-256, PLAIN
    C: AUTH SCRAM-SHA-256 ${b64('later')}
    S: 454 4.7.0 Later
    C: AUTH SCRAM-SHA-256 ${b64('boom')}
    S: 451 4.3.0 ...
    C: MAIL FROM:<a@red.test>
    S: 530 5.7.0 ...`);
  assert.equal(asked.length, 8);
  assert.deepEqual(stub.errors, ['auth: boom at sasl']);
});

test('refusals count, whatever the mechanism: the third is the last', async () => {
  await using stub = await startStub({ ...submission, also: sessions([]) });
  await stub.play(`${HELLO}
    C: AUTH SCRAM-SHA-256 ${b64('no')}
    S: 535 5.7.8 Wrong
    C: AUTH PLAIN ${b64('\0alice\0wrong')}
    S: 535 ...
    C: AUTH SCRAM-SHA-256 ${b64('no')}
    S: 535 5.7.8 Wrong
    S: 421 4.7.0 Too many failed logins
    S closed`);
});

test('a line that is too long ends the exchange, nothing of it is left for the next', async () => {
  const asked: SaslStepRequest[] = [];
  await using stub = await startStub({ ...submission, also: sessions(asked) });
  await stub.play(`${HELLO}
    C: AUTH SCRAM-SHA-256 ${b64('first')}
    S: 334 ...
    C: ${'A'.repeat(12_292)}
    S: 500 5.5.6 ...
    C: NOOP
    S: 250 ...
    C: AUTH SCRAM-SHA-256 ${b64('second')}
    S: 334 ...
    C: ${'A'.repeat(12_288)}
    S: 334 ...
    C: *
    S: 501 5.7.0 ...`);
  assert.deepEqual(
    asked.map(({ state }) => state),
    [undefined, undefined, 'after secon'],
  );
});

test('trouble behind AUTH is not asked for without end', async () => {
  await using stub = await startStub({ ...submission, also: sessions([]), limits: { junk: 4 } });
  await stub.play(`${HELLO}
    C: AUTH SCRAM-SHA-256 ${b64('later')}
    S: 454 4.7.0 Later
    C: AUTH SCRAM-SHA-256 ${b64('later')}
    S: 454 4.7.0 Later
    C: AUTH SCRAM-SHA-256 ${b64('later')}
    S: 421 4.7.0 Too many commands without mail
    S closed`);
});

test('in clear nothing is offered or taken, and responses stand in no transcript', async () => {
  const asked: SaslStepRequest[] = [];
  const stub = await startStub({ ...submission, implicitTls: false, also: sessions(asked) });
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: AUTH SCRAM-SHA-256 ${b64('yes')}
    S: 530 5.7.0 Say STARTTLS first
    C: STARTTLS
    S: 220 2.0.0 ...
    C tls
    C: EHLO client.test
    S: ...
    S: 250 AUTH SCRAM-SHA-256 PLAIN
    C: AUTH SCRAM-SHA-256 ${b64('canary1')}
    S: 334 ...
    C: ${b64('canary2')}
    S: 334 ...
    C: ${b64('yes')}
    S: 235 ...
    C: QUIT
    S: 221 ...
    S closed`);
  await stub[Symbol.asyncDispose]();
  assert.equal(asked.length, 3);
  for (const secret of ['canary1', 'canary2']) assert.ok(!stub.transcripts.join('').includes(b64(secret)));
});
