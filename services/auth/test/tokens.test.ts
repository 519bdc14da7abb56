import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { after } from 'node:test';
import type { SaslResponse } from '@waybill/auth-client';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { startAuth } from './running-auth.ts';
import { base64, fromBase64 } from './scram-client.ts';

/** OAUTHBEARER and XOAUTH2 with an issuer of our own, its keys over HTTP. */
const ISSUER = 'https://id.red.test';
const rsa = await generateKeyPair('RS256', { modulusLength: 2048 });
const ec = await generateKeyPair('ES256');
const stranger = await generateKeyPair('RS256', { modulusLength: 2048 });
const keys = [
  { ...(await exportJWK(rsa.publicKey)), kid: 'rsa' },
  { ...(await exportJWK(ec.publicKey)), kid: 'ec' },
];
let away = false;
const issuer = http.createServer((_request, response) => {
  if (away) response.destroy();
  else response.end(JSON.stringify({ keys }));
});
issuer.listen(0, '127.0.0.1');
await once(issuer, 'listening');
const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`;
const settings = {
  WAYBILL_OAUTH_ISSUER: ISSUER,
  WAYBILL_OAUTH_AUDIENCE: 'mail',
  WAYBILL_OAUTH_JWKS_URL: jwksUrl,
  WAYBILL_CLIENT_FAILURES: 0,
};
const auth = await startAuth(settings);
after(async () => {
  issuer.closeAllConnections();
  issuer.close();
  await auth[Symbol.asyncDispose]();
});
const operator = await auth.operator();
const mra = await auth.clientAs('mra');
await operator.call('domains/add', { name: 'red.test' });
await operator.call('accounts/add', { address: 'alice@red.test', password: 'x' });
await operator.call('accounts/add', { address: 'eve@red.test', password: 'x' });
await operator.call('accounts/set-state', { address: 'eve@red.test', state: 'suspended' });

interface Wanted {
  readonly claims?: Record<string, unknown>;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: string;
  readonly key?: typeof rsa.privateKey;
  readonly kid?: string;
  readonly alg?: string;
}
function token(wanted: Wanted = {}): Promise<string> {
  return new SignJWT({ email: 'alice@red.test', ...wanted.claims })
    .setProtectedHeader({ alg: wanted.alg ?? 'RS256', kid: wanted.kid ?? 'rsa' })
    .setIssuer(wanted.issuer ?? ISSUER)
    .setAudience(wanted.audience ?? 'mail')
    .setExpirationTime(wanted.expires ?? '5 minutes')
    .sign(wanted.key ?? rsa.privateKey);
}
const told = { client: '192.0.2.1', protocol: 'imap' } as const;
const bearer = (jwt: string, user = ''): Promise<SaslResponse> =>
  mra.sasl({
    mechanism: 'OAUTHBEARER',
    response: base64(
      `n,${user === '' ? '' : `a=${user}`},\u0001host=imap.red.test\u0001port=993\u0001auth=Bearer ${jwt}\u0001\u0001`,
    ),
    ...told,
  });
/** The outcome, with the error that comes before a denial taken note of as a client does. */
async function outcome(
  first: SaslResponse,
  mechanism: 'OAUTHBEARER' | 'XOAUTH2' = 'OAUTHBEARER',
): Promise<string> {
  if (first.status === 'ok') return first.account.address;
  if (first.status !== 'challenge') return first.status;
  const { status } = JSON.parse(fromBase64(first.challenge)) as { status: string };
  const response = mechanism === 'OAUTHBEARER' ? base64('\u0001') : '';
  const second = await mra.sasl({ mechanism, response, state: first.state, ...told });
  return `${status}, then ${second.status}`;
}

test('a token of the issuer opens the account that it names, signed by either kind of key', async () => {
  assert.equal(await outcome(await bearer(await token())), 'alice@red.test');
  assert.equal(await outcome(await bearer(await token(), 'Alice@red.test')), 'alice@red.test');
  assert.equal(
    await outcome(await bearer(await token({ key: ec.privateKey, kid: 'ec', alg: 'ES256' }))),
    'alice@red.test',
  );
});

test('XOAUTH2 takes the same tokens', async () => {
  const xoauth2 = async (jwt: string): Promise<string> =>
    outcome(
      await mra.sasl({
        mechanism: 'XOAUTH2',
        response: base64(`user=alice@red.test\u0001auth=Bearer ${jwt}\u0001\u0001`),
        ...told,
      }),
      'XOAUTH2',
    );
  assert.equal(await xoauth2(await token()), 'alice@red.test');
  assert.equal(await xoauth2('nonsense'), '401, then denied');
});

const REFUSED: readonly (readonly [what: string, wanted: Wanted, user?: string])[] = [
  ['of another issuer', { issuer: 'https://evil.example' }],
  ['for another audience', { audience: 'calendar' }],
  ['that is over', { expires: '-2 minutes' }],
  ['signed by a key of somebody else', { key: stranger.privateKey }],
  ['with a key that the issuer does not have', { key: stranger.privateKey, kid: 'other' }],
  ['of a suspended account', { claims: { email: 'eve@red.test' } }],
  ['of nobody here', { claims: { email: 'alice@elsewhere.example' } }],
  ['whose address is not verified', { claims: { email_verified: false } }],
  ['whose claim is no text', { claims: { email: ['alice@red.test'] } }],
  ['beside the name of somebody else', {}, 'eve@red.test'],
];
for (const [what, wanted, user] of REFUSED)
  test(`a token ${what} is refused, with the error that RFC 7628 wants first`, async () => {
    assert.equal(await outcome(await bearer(await token(wanted), user)), 'invalid_token, then denied');
  });

test('a token without a signature, or signed with a secret, is refused', async () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = part({ iss: ISSUER, aud: 'mail', email: 'alice@red.test', exp: 4_000_000_000 });
  assert.equal(
    await outcome(await bearer(`${part({ alg: 'none' })}.${claims}.`)),
    'invalid_token, then denied',
  );
  const hs256 = await new SignJWT({ email: 'alice@red.test' })
    .setProtectedHeader({ alg: 'HS256', kid: 'rsa' })
    .setIssuer(ISSUER)
    .setAudience('mail')
    .setExpirationTime('5 minutes')
    .sign(Buffer.from(JSON.stringify(keys[0])));
  assert.equal(await outcome(await bearer(hs256)), 'invalid_token, then denied');
});

for (const message of [
  '',
  'n,,',
  'n,,\u0001auth=Basic abc\u0001\u0001',
  'x,,\u0001auth=Bearer a\u0001\u0001',
  'n,,\u0001auth=Bearer a',
])
  test(`${JSON.stringify(message)} is malformed`, async () => {
    assert.equal(
      (await mra.sasl({ mechanism: 'OAUTHBEARER', response: base64(message), ...told })).status,
      'malformed',
    );
  });

test('while the issuer is away tokens are tried later, not refused', async () => {
  away = true;
  await using second = await startAuth(settings, auth);
  const client = await second.clientAs('mra');
  const response = base64(`n,,\u0001auth=Bearer ${await token()}\u0001\u0001`);
  const ask = async (): Promise<string> =>
    (await client.sasl({ mechanism: 'OAUTHBEARER', response, ...told })).status;
  assert.equal(await ask(), 'try-later');
  away = false;
  assert.equal(await ask(), 'ok');
});
