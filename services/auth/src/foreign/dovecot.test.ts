import assert from 'node:assert/strict';
import test from 'node:test';
import type { SaslRequest, SaslResponse } from '@waybill/auth-client';
import { Garbage, type Request } from './conversation.ts';
import { DovecotConversation } from './dovecot.ts';

const ANN = { accountId: '7', address: 'ann@red.test', quotaBytes: 0, quotaMessages: 0 };

/** A conversation with an engine that answers as told, and what the engine was asked. */
function converse(outcome: (request: SaslRequest) => SaslResponse | Promise<SaslResponse>): {
  asked: SaslRequest[];
  conversation: DovecotConversation;
  readonly say: (line: string) => Request;
  readonly answer: (line: string) => Promise<string>;
} {
  const asked: SaslRequest[] = [];
  const conversation = new DovecotConversation(
    {
      step: async (request) => {
        asked.push(request);
        return outcome(request);
      },
    },
    '10.0.0.5',
    ['PLAIN', 'LOGIN', 'SCRAM-SHA-256'],
  );
  const say = (line: string): Request => {
    const request = conversation.next(Buffer.from(`${line}\n`));
    assert.ok('length' in request);
    return request;
  };
  const answer = async (line: string): Promise<string> => {
    const made = await say(line).answer?.();
    assert.ok(made !== undefined);
    return made.hangUp === true ? 'hang up' : String(made.text);
  };
  return { asked, conversation, say, answer };
}

function introduced(...args: Parameters<typeof converse>): ReturnType<typeof converse> {
  const its = converse(...args);
  its.say('VERSION\t1\t2');
  its.say('CPID\t4711');
  return its;
}

test('the greeting names the version, the mechanisms before the process, a cookie, and its end', () => {
  const { greeting } = converse(() => ({ status: 'denied' })).conversation;
  assert.match(
    greeting,
    /^VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tSCRAM-SHA-256\tmutual-auth\nSPID\t\d+\nCUID\t\d+\nCOOKIE\t[0-9a-f]{32}\nDONE\n$/,
  );
});

test('a right password is OK with the account’s primary address', async () => {
  const { asked, answer } = introduced(() => ({ status: 'ok', account: ANN }));
  assert.equal(
    await answer('AUTH\t1\tPLAIN\tservice=smtp\tnologin\trip=198.51.100.9\tsecured\tresp=AGEAYg=='),
    'OK\t1\tuser=ann@red.test\n',
  );
  assert.deepEqual(asked, [
    { mechanism: 'PLAIN', client: '198.51.100.9', protocol: 'smtp', response: 'AGEAYg==' },
  ]);
});

test('a client whose address is not told is the agent itself', async () => {
  const { asked, answer } = introduced(() => ({ status: 'denied' }));
  await answer('AUTH\t1\tPLAIN\tservice=imap\tresp=AA==');
  assert.equal(asked[0]?.client, '10.0.0.5');
});

test('a wrong password is FAIL without a word about whether the user exists', async () => {
  const { answer } = introduced(() => ({ status: 'denied' }));
  assert.equal(
    await answer('AUTH\t1\tPLAIN\tservice=smtp\tresp=AA=='),
    'FAIL\t1\treason=Authentication failed\n',
  );
});

test('trouble is a temporary failure; to version 1.0, which knows none, a broken connection', async () => {
  const newer = introduced(() => ({ status: 'try-later' }));
  assert.match(
    await newer.answer('AUTH\t1\tPLAIN\tservice=smtp\tresp=AA=='),
    /^FAIL\t1\ttemp\tcode=temp_fail\treason=/,
  );
  const older = converse(() => ({ status: 'try-later' }));
  older.say('VERSION\t1\t0');
  older.say('CPID\t1');
  const request = older.say('AUTH\t1\tPLAIN\tservice=smtp\tresp=AA==');
  assert.equal((await request.answer?.())?.hangUp, true);
  assert.equal(older.conversation.trouble(request).hangUp, true);
  assert.match(
    String(newer.conversation.trouble(newer.say('AUTH\t9\tPLAIN\tservice=smtp')).text),
    /^FAIL\t9\ttemp/,
  );
});

test('exchanges of several steps run beside each other, each with its own state', async () => {
  const { asked, answer } = introduced(({ response, state }) =>
    state === undefined
      ? { status: 'challenge', challenge: 'VXNlcm5hbWU6', state: `s${response ?? ''}` }
      : { status: 'ok', account: ANN },
  );
  assert.equal(
    await answer('AUTH\t1\tLOGIN\tservice=smtp\trip=192.0.2.1\tresp=MQ=='),
    'CONT\t1\tVXNlcm5hbWU6\n',
  );
  assert.equal(
    await answer('AUTH\t2\tLOGIN\tservice=smtp\trip=192.0.2.2\tresp=Mg=='),
    'CONT\t2\tVXNlcm5hbWU6\n',
  );
  assert.equal(await answer('CONT\t2\tYQ=='), 'OK\t2\tuser=ann@red.test\n');
  assert.equal(await answer('CONT\t1\tYg=='), 'OK\t1\tuser=ann@red.test\n');
  assert.deepEqual(
    asked.slice(2).map(({ state, client, response }) => [state, client, response]),
    [
      ['sMg==', '192.0.2.2', 'YQ=='],
      ['sMQ==', '192.0.2.1', 'Yg=='],
    ],
  );
});

test('an exchange that is cancelled, over, or never begun cannot be continued', async () => {
  const { asked, answer, say } = introduced(() => ({ status: 'challenge', challenge: '', state: 's' }));
  assert.equal(await answer('AUTH\t1\tLOGIN\tservice=smtp'), 'CONT\t1\t\n');
  say('CANCEL\t1');
  assert.match(await answer('CONT\t1\tYQ=='), /^FAIL\t1\treason=/);
  assert.match(await answer('CONT\t8\tYQ=='), /^FAIL\t8\treason=/);
  assert.equal(asked.length, 1);
});

test('a request that is cancelled while it is worked on is not answered', async () => {
  let release: (outcome: SaslResponse) => void = () => undefined;
  const { say } = introduced(() => new Promise((resolve) => (release = resolve)));
  const answered = say('AUTH\t1\tPLAIN\tservice=smtp\tresp=AA==').answer?.();
  say('CANCEL\t1');
  release({ status: 'ok', account: ANN });
  assert.deepEqual(await answered, { text: '', result: 'cancelled' });
});

test('an unknown mechanism or service fails without asking', async () => {
  const { asked, answer } = introduced(() => ({ status: 'ok', account: ANN }));
  assert.match(await answer('AUTH\t1\tCRAM-MD5\tservice=smtp'), /^FAIL\t1\treason=Unsupported/);
  assert.match(await answer('AUTH\t2\tPLAIN\tservice=ftp\tresp=AA=='), /^FAIL\t2\treason=Unknown service/);
  assert.deepEqual(asked, []);
});

test('who does not introduce himself properly talks garbage', () => {
  const fresh = (): ReturnType<typeof converse> => converse(() => ({ status: 'denied' }));
  for (const lines of [
    ['CPID\t1'],
    ['AUTH\t1\tPLAIN\tservice=smtp'],
    ['VERSION\t2\t0'],
    ['VERSION\t1\t2', 'AUTH\t1\tPLAIN\tservice=smtp'],
    ['VERSION\t1\t2', 'CPID\t1', 'EHLO x'],
  ]) {
    const { say } = fresh();
    assert.throws(() => lines.forEach(say), Garbage, lines.join(' | '));
  }
  const { conversation } = fresh();
  assert.equal(conversation.ready, false);
  assert.throws(() => conversation.next(Buffer.alloc(20_000, 'x')), Garbage);
});

test('an id of which the answer is not there yet is garbage', () => {
  const { say } = introduced(() => new Promise(() => undefined));
  void say('AUTH\t1\tPLAIN\tservice=smtp\tresp=AA==').answer?.();
  assert.throws(() => say('AUTH\t1\tPLAIN\tservice=smtp\tresp=AA=='), Garbage);
});

test('a long response passes, up to the line of version 1.2', async () => {
  const { asked, answer } = introduced(() => ({ status: 'malformed' }));
  const response = 'A'.repeat(16_000);
  assert.match(await answer(`AUTH\t1\tPLAIN\tservice=smtp\tresp=${response}`), /^FAIL\t1\treason=Malformed/);
  assert.equal(asked[0]?.response, response);
});
