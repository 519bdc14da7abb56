import { createHash } from 'node:crypto';
import type { SaslMechanism } from '@waybill/auth-client';
import type { Authenticator } from '../authenticate.ts';
import type { CredentialRow } from '../directory/credentials.ts';
import type { Gate } from '../gate.ts';
import { networksOf } from '../penalties.ts';
import type { Answer, Mechanism, Step } from './engine.ts';
import { isSameName, readUtf8 } from './password-mechanisms.ts';
import type { BearerTokens } from './bearer-tokens.ts';

/** OAUTHBEARER (RFC 7628) and XOAUTH2: a token of an issuer that we trust, in place of a password. */
export interface OauthParts {
  readonly authenticator: Authenticator;
  readonly gate: Gate;
  /** Undefined where no issuer is configured: nobody gets in this way. */
  readonly tokens: BearerTokens | undefined;
}

interface Presented {
  /** The account that the client names; '' when it leaves that to the token. */
  readonly user: string;
  readonly token: string;
}

type Flavour = Extract<SaslMechanism, 'OAUTHBEARER' | 'XOAUTH2'>;

const MAX_NAME = 320;
/** What a token stands for among credentials: every protocol, no password. */
const TOKEN: CredentialRow = {
  label: 'token',
  version: '0',
  phc: undefined,
  digest: undefined,
  scopes: ['smtp', 'imap', 'pop3'],
  scram: undefined,
};

export function oauthMechanism(parts: OauthParts, flavour: Flavour): Mechanism {
  return async (step) => {
    // The client has taken note of our error: RFC 7628 §3.2.3 wants a dummy response before the failure.
    if (step.state !== undefined) return { status: 'denied' };
    const presented = flavour === 'OAUTHBEARER' ? readBearer(step.response!) : readXoauth2(step.response!);
    return presented === undefined ? { status: 'malformed' } : present(parts, step, presented, flavour);
  };
}

async function present(
  { authenticator, gate, tokens }: OauthParts,
  { request, arrived }: Step,
  { user, token }: Presented,
  flavour: Flavour,
): Promise<Answer> {
  const claim = { username: user, client: request.client, protocol: request.protocol };
  if (tokens === undefined || gate.isBanned(request.client))
    return authenticator.denied(claim, undefined, arrived);
  const attempt = {
    client: request.client,
    // Anybody can name anybody beside a token of his own: it is the client that failed, not the account.
    name: `token of ${networksOf(request.client).narrow}`,
    fingerprint: createHash('sha256').update(token).digest('base64'),
    known: false,
  };
  const passage = await gate.enter(attempt);
  if (passage === undefined) return authenticator.tryLater(claim, 'penalty');
  try {
    const verdict = await tokens.verify(token);
    if (verdict.status === 'try-later') return verdict;
    const named = verdict.status === 'ok' ? { ...claim, username: verdict.address } : claim;
    const { login } =
      verdict.status === 'ok' && (user === '' || isSameName(user, verdict.address))
        ? await authenticator.find(named)
        : { login: undefined };
    if (login !== undefined) return authenticator.accepted(named, attempt, login, TOKEN);
    gate.failed(attempt);
    await authenticator.denied(named, undefined, arrived);
    return { challenge: JSON.stringify(FAILURE[flavour]), remember: { step: 'failed' } };
  } finally {
    passage.leave();
  }
}

/** RFC 7628 §3.2.2; and what clients of XOAUTH2 expect. The reason goes to nobody. */
const FAILURE: Readonly<Record<Flavour, object>> = {
  OAUTHBEARER: { status: 'invalid_token' },
  XOAUTH2: { status: '401', schemes: 'bearer' },
};

/** RFC 7628 §3.1: a gs2-header, then pairs between \x01. */
export function readBearer(octets: Buffer): Presented | undefined {
  const [header, ...pairs] = (readUtf8(octets) ?? '').split('\u0001');
  const [flag, authzid, empty, ...more] = header?.split(',') ?? [];
  if ((flag !== 'n' && flag !== 'y') || authzid === undefined || empty !== '' || more.length > 0)
    return undefined;
  if (authzid !== '' && !authzid.startsWith('a=')) return undefined;
  const user = authzid.slice(2).replaceAll('=2C', ',').replaceAll('=3D', '=');
  return presentedIn(user, pairs);
}

/** `user=…\x01auth=Bearer …\x01\x01` */
export function readXoauth2(octets: Buffer): Presented | undefined {
  const [user, ...pairs] = (readUtf8(octets) ?? '').split('\u0001');
  return user?.startsWith('user=') === true ? presentedIn(user.slice(5), pairs) : undefined;
}

function presentedIn(user: string, pairs: readonly string[]): Presented | undefined {
  if (pairs.length < 3 || pairs.at(-1) !== '' || pairs.at(-2) !== '' || user.length > MAX_NAME)
    return undefined;
  const scheme = 'auth=bearer '; // RFC 6750 §2.1; the scheme's case does not count
  const auth = pairs.find((pair) => pair.slice(0, scheme.length).toLowerCase() === scheme);
  return auth === undefined ? undefined : { user, token: auth.slice(scheme.length).trim() };
}
