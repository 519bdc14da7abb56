import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import type { SaslRequest, SaslResponse } from '@waybill/auth-client';
import { startAuth } from './running-auth.ts';
import { base64, fromBase64, scram } from './scram-client.ts';

/** Every mechanism at auth's door, each step by whichever of two replicas is asked. */
const auth = await startAuth();
const other = await startAuth({}, auth);
after(async () => {
  await other[Symbol.asyncDispose]();
  await auth[Symbol.asyncDispose]();
});
const operator = await auth.operator();
const [one, two] = [await auth.clientAs('msa'), await other.clientAs('msa')];
/** Asks the replicas in turn. */
let turn = 0;
const msa = {
  sasl: (request: SaslRequest): Promise<SaslResponse> => (++turn % 2 === 0 ? one : two).sasl(request),
};
await operator.call('domains/add', { name: 'red.test' });
await operator.call('accounts/add', { address: 'alice@red.test', password: 'open sesame' });

let clients = 0;
const told = (protocol: SaslRequest['protocol'] = 'smtp'): Pick<SaslRequest, 'client' | 'protocol'> => ({
  client: `192.0.2.${++clients}`,
  protocol,
});
const who = (answer: SaslResponse): string =>
  answer.status === 'ok' ? answer.account.address : answer.status;

test('PLAIN takes name and password in one response', async () => {
  const plain = async (text: string): Promise<string> =>
    who(await msa.sasl({ mechanism: 'PLAIN', response: base64(text), ...told() }));
  assert.equal(await plain('\0alice@red.test\0open sesame'), 'alice@red.test');
  assert.equal(await plain('Alice@RED.test\0alice@red.test\0open sesame'), 'alice@red.test');
  assert.equal(await plain('bob@red.test\0alice@red.test\0open sesame'), 'denied');
  assert.equal(await plain('\0alice@red.test\0wrong'), 'denied');
  assert.equal(await plain('\0alice@red.test'), 'malformed');
  assert.equal(await plain('\0\0x'), 'malformed');
  assert.equal(await plain(''), 'malformed');
  assert.equal(who(await msa.sasl({ mechanism: 'PLAIN', response: 'no base64', ...told() })), 'malformed');
  assert.equal(who(await msa.sasl({ mechanism: 'PLAIN', response: '/w==', ...told() })), 'malformed');
});

test('PLAIN and the others ask for the response that a client did not send at once', async () => {
  const client = told();
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2'] as const) {
    const first = await msa.sasl({ mechanism, ...client });
    assert.equal(first.status === 'challenge' ? first.challenge : first.status, '', mechanism);
  }
  const asked = await msa.sasl({ mechanism: 'PLAIN', ...client });
  assert.ok(asked.status === 'challenge');
  const response = base64('\0alice@red.test\0open sesame');
  assert.equal(
    who(await msa.sasl({ mechanism: 'PLAIN', response, state: asked.state, ...client })),
    'alice@red.test',
  );
});

test('LOGIN asks for name and password, with or without an initial response', async () => {
  const client = told();
  const login = { mechanism: 'LOGIN', ...client } as const;
  const first = await msa.sasl(login);
  assert.ok(first.status === 'challenge');
  assert.equal(fromBase64(first.challenge), 'Username:');
  for (const opening of [{ state: first.state }, {}]) {
    const second = await msa.sasl({ ...login, response: base64('alice@red.test'), ...opening });
    assert.ok(second.status === 'challenge');
    assert.equal(fromBase64(second.challenge), 'Password:');
    const password = { ...login, state: second.state, response: base64('open sesame') };
    assert.equal(who(await msa.sasl(password)), 'alice@red.test');
    assert.equal(who(await msa.sasl({ ...password, client: '198.51.100.9' })), 'denied', 'not for others');
    assert.equal(who(await msa.sasl({ ...password, state: `${second.state}A` })), 'denied');
  }
});

test('SCRAM-SHA-256 proves both sides, with any spelling of the name and both flags', async () => {
  for (const [name, gs2] of [
    ['alice@red.test', 'n,,'],
    ['Alice@RED.test', 'y,,'],
    ['alice@red.test', 'n,a=alice@red.test,'],
  ] as const) {
    const { answer, serverProven } = await scram(msa, name, 'open sesame', told(), { gs2 });
    assert.equal(who(answer), 'alice@red.test', gs2);
    assert.ok(serverProven);
  }
});

test('SCRAM refuses a wrong password, another identity, a changed header and a changed nonce', async () => {
  const denied = async (password: string, change: Parameters<typeof scram>[4] = {}): Promise<string> =>
    who((await scram(msa, 'alice@red.test', password, told(), change)).answer);
  assert.equal(await denied('wrong'), 'denied');
  assert.equal(await denied('open sesame', { gs2: 'n,a=bob@red.test,' }), 'denied');
  assert.equal(await denied('open sesame', { gs2: 'y,,', channel: base64('n,,') }), 'denied');
  assert.equal(await denied('open sesame', { nonce: 'other' }), 'denied');
  assert.equal(await denied('open sesame', { gs2: 'p=tls-unique,,' }), 'malformed');
});

test('SCRAM tells an unknown name salt and iterations as steadily as a known one', async () => {
  const shown = async (name: string): Promise<string> =>
    (await scram(msa, name, 'x', told())).serverFirst!.replace(/^r=[^,]*,/, '');
  for (const name of ['alice@red.test', 'nobody@red.test', 'alice@elsewhere.example', 'just a word']) {
    const first = await shown(name);
    assert.match(first, /^s=[A-Za-z0-9+/]{22}==,i=16384$/);
    assert.equal(await shown(name), first, name);
    assert.equal(await shown(name.toUpperCase()), first, `${name} in capitals`);
  }
  assert.notEqual(await shown('nobody@red.test'), await shown('nobody2@red.test'));
});

test('an app password opens by PLAIN and SCRAM what it is good for, and nothing else', async () => {
  const { password } = await operator.call('app-passwords/add', {
    address: 'alice@red.test',
    label: 'phone',
    scopes: ['imap', 'pop3'],
  });
  const plain = async (protocol: SaslRequest['protocol']): Promise<string> =>
    who(
      await msa.sasl({
        mechanism: 'PLAIN',
        response: base64(`\0alice@red.test\0${password}`),
        ...told(protocol),
      }),
    );
  for (const protocol of ['imap', 'pop3', 'smtp'] as const) {
    const expected = protocol === 'smtp' ? 'denied' : 'alice@red.test';
    assert.equal(await plain(protocol), expected, `PLAIN ${protocol}`);
    assert.equal(await plain(protocol), expected, `PLAIN ${protocol} again, when it is remembered`);
    const { answer } = await scram(msa, 'alice@red.test', password, told(protocol));
    assert.equal(who(answer), expected, `SCRAM ${protocol}`);
  }
  // The main password is good for all, beside it.
  assert.equal(
    who((await scram(msa, 'alice@red.test', 'open sesame', told('imap'))).answer),
    'alice@red.test',
  );
  await operator.call('app-passwords/remove', { address: 'alice@red.test', label: 'phone' });
  assert.equal(await plain('imap'), 'denied');
});

test('a suspended account is denied by every mechanism', async () => {
  await operator.call('accounts/add', { address: 'eve@red.test', password: 'evening' });
  await operator.call('accounts/set-state', { address: 'eve@red.test', state: 'suspended' });
  assert.equal(who((await scram(msa, 'eve@red.test', 'evening', told())).answer), 'denied');
  const response = base64('\0eve@red.test\0evening');
  assert.equal(who(await msa.sasl({ mechanism: 'PLAIN', response, ...told() })), 'denied');
});

test('tokens are denied where no issuer is configured', async () => {
  const bearer = base64('n,,\u0001auth=Bearer abc\u0001\u0001');
  assert.equal(who(await msa.sasl({ mechanism: 'OAUTHBEARER', response: bearer, ...told() })), 'denied');
});

test('a response that is longer than any is malformed without asking', async () => {
  assert.equal(
    who(await msa.sasl({ mechanism: 'PLAIN', response: 'A'.repeat(20_000), ...told() })),
    'malformed',
  );
});
