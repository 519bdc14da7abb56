/** Mechanisms that auth conducts, as submission carries them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64, startWorld } from './stub-world.ts';

const HELLO = `
  S: 220 ...
  C: EHLO client.test
  S: ...`;
const ALL = ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2'] as const;

test('SCRAM goes three ways, with an initial response and without; then mail is taken', async () => {
  await using world = await startWorld(true, undefined, { mechanisms: ['PLAIN', 'SCRAM-SHA-256'] });
  await world.play(`${HELLO}
    S: 250 AUTH PLAIN SCRAM-SHA-256
    C: AUTH SCRAM-SHA-256 ${base64('n,,n=alice,r=x')}
    S: 334 ${base64('server of n,,n=alice,r=x')}
    C: ${base64('proof')}
    S: 334 ${base64('v=server')}
    C:
    S: 235 2.7.0 ...
    C: MAIL FROM:<alice@red.test>
    S: 250 2.1.0 ...`);
  await world.play(`${HELLO}
    S: 250 AUTH PLAIN SCRAM-SHA-256
    C: auth scram-sha-256
    S: 334 ...
    C: ${base64('n,,n=alice,r=y')}
    S: 334 ${base64('server of n,,n=alice,r=y')}
    C: ${base64('proof')}
    S: 334 ${base64('v=server')}
    C:
    S: 235 2.7.0 ...`);
  assert.deepEqual(
    world.auth.asked.map(({ response, state, protocol, client }) => [response, state, protocol, client]),
    [
      [base64('n,,n=alice,r=x'), undefined, 'smtp', '127.0.0.1'],
      [base64('proof'), 'sealed n,,n=alice,r=x', 'smtp', '127.0.0.1'],
      ['', 'proved', 'smtp', '127.0.0.1'],
      [undefined, undefined, 'smtp', '127.0.0.1'],
      [base64('n,,n=alice,r=y'), 'begun', 'smtp', '127.0.0.1'],
      [base64('proof'), 'sealed n,,n=alice,r=y', 'smtp', '127.0.0.1'],
      ['', 'proved', 'smtp', '127.0.0.1'],
    ],
  );
  assert.deepEqual(world.events, [
    'authenticated alice@red.test SCRAM-SHA-256',
    'authenticated alice@red.test SCRAM-SHA-256',
  ]);
});

test('a bad token gets the error, and after the client’s answer the refusal that all get', async () => {
  await using world = await startWorld(true, undefined, { mechanisms: ALL });
  await world.play(`${HELLO}
    S: 250 AUTH PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2
    C: AUTH OAUTHBEARER ${base64('bad token')}
    S: 334 ${base64('{"status":"invalid_token"}')}
    C: AQ==
    S: 535 5.7.8 Wrong name or password
    C: AUTH SCRAM-SHA-256 ${base64('n,,n=nobody,r=x')}
    S: 334 ...
    C: ${base64('wrong')}
    S: 535 5.7.8 Wrong name or password
    C: AUTH XOAUTH2 ${base64('good token')}
    S: 235 2.7.0 ...`);
  assert.deepEqual(world.events, [
    'not authenticated 5.7.8',
    'not authenticated 5.7.8',
    'authenticated alice@red.test XOAUTH2',
  ]);
});

test('auth away, giving up, and nonsense', async () => {
  await using world = await startWorld(true, undefined, { mechanisms: ALL });
  await world.play(`${HELLO}
    S: 250 AUTH PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2
    C: AUTH SCRAM-SHA-256 ${base64('away')}
    S: 454 4.7.0 ...
    C: AUTH SCRAM-SHA-256 ${base64('n,,n=a,r=x')}
    S: 334 ...
    C: *
    S: 501 5.7.0 ...
    C: AUTH SCRAM-SHA-256 ${base64('nonsense')}
    S: 501 5.5.2 ...
    C: AUTH SCRAM-SHA-256
    S: 334 ...
    C: %%%
    S: 501 5.5.2 ...`);
});

test('what is not in the operator’s list is not offered and not taken', async () => {
  await using world = await startWorld(true, undefined, { mechanisms: ['SCRAM-SHA-256'] });
  await world.play(`${HELLO}
    S: 250 AUTH SCRAM-SHA-256
    C: AUTH PLAIN ${base64('\0alice@red.test\0sesame')}
    S: 504 5.5.4 ...
    C: AUTH LOGIN
    S: 504 5.5.4 ...
    C: AUTH OAUTHBEARER ${base64('good token')}
    S: 504 5.5.4 ...
    C: MAIL FROM:<alice@red.test>
    S: 530 5.7.0 ...`);
  assert.deepEqual(world.auth.asked, []);
});
