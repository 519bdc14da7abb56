/** SASL LOGIN, a draft that never became a standard and that old clients speak: two challenges, two answers. */
import { decodeBase64 } from './base64.ts';
import type { Credentials } from './plain.ts';

/** "Username:" and "Password:" in base64. */
export const LOGIN_CHALLENGES = ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6'] as const;

/** The two responses, base64 each. */
export function readLogin(first: string, second: string): Credentials | 'malformed' {
  const username = decodeBase64(first)?.toString('utf8') ?? '';
  const password = decodeBase64(second)?.toString('utf8') ?? '';
  if (username === '' || password === '') return 'malformed';
  return { username, password };
}
