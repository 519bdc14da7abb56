import type { SaslRequest } from '@waybill/auth-client';
import { formatAddress, parseAddress } from '../address.ts';
import type { Authenticator } from '../authenticate.ts';
import type { Answer, Mechanism } from './engine.ts';

/** PLAIN (RFC 4616) and LOGIN (as everybody does it): the client says its password in clear. */
const MAX_NAME = 320;

export function plain(authenticator: Authenticator): Mechanism {
  return ({ request, response }) => {
    const text = readUtf8(response!);
    const parts = text?.split('\0') ?? [];
    const [authzid, username, password] = parts;
    if (parts.length !== 3 || username === undefined || username === '' || password === undefined)
      return { status: 'malformed' };
    // Nobody acts as somebody else: RFC 4616 §2.
    const other = authzid !== '' && !isSameName(authzid!, username);
    return check(authenticator, request, other ? '' : username, password);
  };
}

export function login(authenticator: Authenticator): Mechanism {
  return ({ request, response, state }) => {
    if (response === undefined) return { challenge: 'Username:', remember: { step: 'username' } };
    const text = readUtf8(response);
    if (text === undefined) return { status: 'malformed' };
    const remembered = (state ?? { step: 'username' }) as { step: string; username?: string };
    if (remembered.step === 'username') {
      if (text === '' || text.length > MAX_NAME) return { status: 'malformed' };
      return { challenge: 'Password:', remember: { step: 'password', username: text } };
    }
    return check(authenticator, request, remembered.username ?? '', text);
  };
}

async function check(
  authenticator: Authenticator,
  { client, protocol }: SaslRequest,
  username: string,
  password: string,
): Promise<Answer> {
  return authenticator.authenticate({
    username: username.slice(0, MAX_NAME + 1),
    password,
    client,
    protocol,
  });
}

/** Whether two spellings are one address. */
export function isSameName(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)];
  return a !== undefined && b !== undefined && formatAddress(a) === formatAddress(b);
}

/** @returns undefined for what is no UTF-8 */
export function readUtf8(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}
