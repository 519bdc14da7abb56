import { randomBytes } from 'node:crypto';
import { type Authenticator, usable } from '../authenticate.ts';
import type { CredentialRow } from '../directory/credentials.ts';
import type { Gate } from '../gate.ts';
import { keysOfNobody, type PasswordMaker } from '../password/password-maker.ts';
import type { Answer, Mechanism, Step } from './engine.ts';
import { isSameName } from './password-mechanisms.ts';
import { saslprep } from './saslprep.ts';
import { proves, readClientFinal, readClientFirst, serverFinal, serverFirst } from './scram.ts';

/**
 * SCRAM-SHA-256 over the directory: salt and iterations are told for every name, whether it exists or
 * not and always the same; the proof is compared with a fixed number of keys.
 */
export interface ScramParts {
  readonly authenticator: Authenticator;
  readonly gate: Gate;
  readonly maker: PasswordMaker;
}

interface Proof {
  readonly step: 'proof';
  readonly username: string;
  readonly gs2: string;
  readonly bare: string;
  readonly serverFirst: string;
  readonly nonce: string;
  readonly iterations: number;
  /** Nobody acts as somebody else. */
  readonly other: boolean;
}

interface Done {
  readonly step: 'done';
  readonly username: string;
  readonly version: string;
}

const MAX_NAME = 320;
/** The beat of challenges, which whoever logs in right waits for too. */
const CHALLENGE_BEAT_MS = 50;
/** Keys that a proof is compared with, at least: more than nearly every account has. */
const COMPARISONS = 12;
const NOBODY = keysOfNobody();

export function scramMechanism(parts: ScramParts): Mechanism {
  return (step) => {
    const state = step.state as Proof | Done | undefined;
    if (state === undefined) return first(parts, step);
    return state.step === 'proof' ? proof(parts, step, state) : done(parts, step, state);
  };
}

async function first(
  { authenticator, maker, gate }: ScramParts,
  { request, response, arrived }: Step,
): Promise<Answer> {
  const message = readClientFirst(response!);
  const username = message === undefined ? undefined : saslprep(message.username); // RFC 5802 §5.1, n
  if (message === undefined || username === undefined || message.authzid.length > MAX_NAME)
    return { status: 'malformed' };
  if (username.length > MAX_NAME) return { status: 'malformed' };
  const claim = { username, client: request.client, protocol: request.protocol };
  if (gate.isBanned(request.client)) return authenticator.denied(claim, undefined, arrived);
  const { name, login } = await authenticator.find(claim);
  const keys = usable(login, claim).find(({ scram }) => scram !== undefined)?.scram;
  const salt = keys?.salt ?? maker.scramSalt(login?.account.address ?? name);
  const iterations = keys?.iterations ?? maker.iterations;
  const nonce = message.nonce + randomBytes(18).toString('base64');
  const challenge = serverFirst(nonce, salt, iterations);
  const remember: Proof = {
    step: 'proof',
    username,
    gs2: message.gs2,
    bare: message.bare,
    serverFirst: challenge,
    nonce,
    iterations,
    other: message.authzid !== '' && !isSameName(message.authzid, username),
  };
  // A known name has more to read; nobody who waits so long learns it.
  await gate.beat(arrived, CHALLENGE_BEAT_MS);
  return { challenge, remember };
}

async function proof(parts: ScramParts, { request, response, arrived }: Step, state: Proof): Promise<Answer> {
  const { authenticator, gate } = parts;
  const message = readClientFinal(response!);
  if (message === undefined) return { status: 'malformed' };
  const claim = { username: state.username, client: request.client, protocol: request.protocol };
  const { name, login } = await authenticator.find(claim);
  const attempt = {
    client: request.client,
    name,
    fingerprint: state.nonce,
    // A device with an old password cannot be told from a guesser of this name.
    towardsBan: `scram ${name}`,
    known: login?.known ?? false,
  };
  if (gate.isBanned(request.client)) return authenticator.denied(claim, login, arrived);
  const passage = await gate.enter(attempt);
  if (passage === undefined) return authenticator.tryLater(claim, 'penalty');
  try {
    const authMessage = `${state.bare},${state.serverFirst},${message.withoutProof}`;
    const fits =
      // RFC 5802 §5.1: c says what the header said, r is the nonce that we gave.
      message.channel === Buffer.from(state.gs2).toString('base64') &&
      message.nonce === state.nonce &&
      !state.other;
    const matched = find(message.proof, authMessage, usable(login, claim), state.iterations);
    if (login === undefined || matched === undefined || !fits) {
      gate.failed(attempt);
      return await authenticator.denied(claim, login, arrived);
    }
    gate.succeeded(attempt);
    const remember: Done = { step: 'done', username: state.username, version: matched.version };
    return { challenge: serverFinal(authMessage, matched.scram!), remember };
  } finally {
    passage.leave();
  }
}

/** The client has seen our own proof and says so with an empty response; its account is looked at once more. */
async function done(
  { authenticator }: ScramParts,
  { request, response, arrived }: Step,
  state: Done,
): Promise<Answer> {
  if (response!.length > 0) return { status: 'malformed' };
  const claim = { username: state.username, client: request.client, protocol: request.protocol };
  const { name, login } = await authenticator.find(claim);
  const credential = usable(login, claim).find(({ version }) => version === state.version);
  if (login === undefined || credential === undefined) return authenticator.denied(claim, login, arrived);
  const attempt = { client: request.client, name, fingerprint: state.version, known: login.known };
  return authenticator.accepted(claim, attempt, login, credential);
}

function find(
  sent: Buffer,
  authMessage: string,
  credentials: readonly CredentialRow[],
  iterations: number,
): CredentialRow | undefined {
  let matched: CredentialRow | undefined;
  for (let i = 0; i < Math.max(COMPARISONS, credentials.length); i++) {
    const credential = credentials[i];
    const keys = credential?.scram?.iterations === iterations ? credential.scram : NOBODY;
    if (proves(sent, authMessage, keys) && keys !== NOBODY) matched = credential;
  }
  return matched;
}
