import { type Answer, type Conversation, Garbage, type Incomplete, type Request } from './conversation.ts';
import { decide, isCounted, type PolicyParts, TRY_LATER, type Verdict } from './policy.ts';

/**
 * Postfix's policy delegation (SMTPD_POLICY_README): `name=value` lines up to an empty one, one action each, in
 * order. A message is counted once, in whichever states and restrictions Postfix asks about it.
 */
/** Octets of a request; Postfix's own are below 2,000. */
const MAX_REQUEST = 32_768;

export class PolicyConversation implements Conversation {
  readonly greeting = '';
  readonly parallel = 1;
  readonly ready = true;
  readonly #parts: PolicyParts;
  /** `instance` of the message that was counted last: one process of Postfix has one at a time. */
  #counted = '';

  constructor(parts: PolicyParts) {
    this.#parts = parts;
  }

  next(octets: Buffer): Request | Incomplete {
    const end = octets.subarray(0, MAX_REQUEST).indexOf('\n\n');
    if (end < 0) {
      if (octets.length >= MAX_REQUEST) throw new Garbage(`a request of more than ${MAX_REQUEST} octets`);
      return { need: octets.length + 1 };
    }
    const attributes = readAttributes(octets.toString('utf8', 0, end));
    return { length: end + 2, answer: () => this.#answer(attributes) };
  }

  async #answer(attributes: ReadonlyMap<string, string>): Promise<Answer> {
    const instance = attributes.get('instance') ?? '';
    const counted = instance !== '' && instance === this.#counted;
    const verdict = await decide(attributes, counted, this.#parts);
    if (verdict.result === 'dunno' && isCounted(attributes)) this.#counted = instance;
    return say(verdict);
  }

  trouble(): Answer {
    return say(TRY_LATER);
  }
}

/** @throws Garbage for a line without `=`, or a request that is none of smtpd's */
export function readAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 1 || line.includes('\0')) throw new Garbage('no name=value line');
    attributes.set(line.slice(0, equals), line.slice(equals + 1));
  }
  if (attributes.get('request') !== 'smtpd_access_policy')
    throw new Garbage('no request=smtpd_access_policy');
  return attributes;
}

function say({ action, result }: Verdict): Answer {
  return { text: `action=${action}\n\n`, result };
}
