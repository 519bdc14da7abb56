import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Sasl, SaslRequest, SaslResponse } from '@waybill/auth-client';

/** The client's side of SASL for tests: what a mail program does, against auth's door. */
export type Told = Pick<SaslRequest, 'client' | 'protocol'>;

export const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
export const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

export interface ScramOutcome {
  readonly answer: SaslResponse;
  /** The server's first message; undefined when there was none. */
  readonly serverFirst: string | undefined;
  /** Whether the server proved that it knows the password too. */
  readonly serverProven: boolean;
}

/** SCRAM-SHA-256 (RFC 5802), to its end or to the first refusal. */
export async function scram(
  sasl: Sasl,
  username: string,
  password: string,
  told: Told,
  change: { readonly gs2?: string; readonly channel?: string; readonly nonce?: string } = {},
): Promise<ScramOutcome> {
  const mechanism = 'SCRAM-SHA-256';
  const gs2 = change.gs2 ?? 'n,,';
  const bare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(12).toString('hex')}`;
  const first = await sasl.sasl({ mechanism, response: base64(gs2 + bare), ...told });
  if (first.status !== 'challenge') return { answer: first, serverFirst: undefined, serverProven: false };
  const serverFirst = fromBase64(first.challenge);
  const [nonce = '', salt = '', iterations = ''] = serverFirst.split(',').map((part) => part.slice(2));
  const withoutProof = `c=${change.channel ?? base64(gs2)},r=${change.nonce ?? nonce}`;
  const authMessage = `${bare},${serverFirst},${withoutProof}`;
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
  const proof = clientKey.map((octet, i) => octet ^ signature[i]!);
  const second = await sasl.sasl({
    mechanism,
    response: base64(`${withoutProof},p=${base64(Buffer.from(proof))}`),
    state: first.state,
    ...told,
  });
  if (second.status !== 'challenge') return { answer: second, serverFirst, serverProven: false };
  const expected = `v=${base64(hmac(hmac(salted, 'Server Key'), authMessage))}`;
  const serverProven = fromBase64(second.challenge) === expected;
  const answer = await sasl.sasl({ mechanism, response: '', state: second.state, ...told });
  return { answer, serverFirst, serverProven };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
