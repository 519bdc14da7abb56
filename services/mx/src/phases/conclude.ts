/** After the last octet: what was begun before is awaited together with DKIM, within one time for all; then DMARC. */
import type { Dkim, Dmarc, Iprev, SenderChecks, Spf } from '@waybill/mail-auth';
import { type ClientInquiry, HIDDEN_IPREV } from './connect.ts';
import { type Facts, type Listed, NOT_LISTED } from './facts.ts';
import type { Envelope } from './mail.ts';

/**
 * @param patienceMs what is not known after this is a temporary result, never a pass. DMARC has as long again: the
 *   sender's DNS, however slow, takes nothing from asking what the author's domain wants. Never rejects.
 */
export async function concludeFacts(
  checks: Pick<SenderChecks, 'dkim' | 'dmarc'>,
  client: ClientInquiry,
  envelope: Envelope,
  chunks: readonly Buffer[],
  from: readonly string[],
  patienceMs: number,
): Promise<Facts> {
  const { hello } = envelope;
  let limit = new TimeLimit(patienceMs);
  try {
    const [iprev, lists, helo, spf, dkim] = await Promise.all([
      limit.or<Iprev>(client.iprev(), NO_IPREV),
      limit.or<Listed>(client.lists(), NOT_LISTED),
      limit.or(hello.spf(), noSpf(hello.helo, 'helo')),
      limit.or(
        envelope.spf(),
        noSpf(domainOf(envelope.sender) ?? hello.helo, envelope.sender === '' ? 'helo' : 'mailfrom'),
      ),
      limit.or<readonly Dkim[]>(checks.dkim(chunks), NO_DKIM),
    ]);
    const judged = checks.dmarc(from, spf, dkim);
    limit.end();
    // Begun after DMARC's own time, which ends first and still tells the policy that is known by then.
    limit = new TimeLimit(patienceMs);
    const dmarc = await limit.or<Dmarc>(judged, NO_DMARC);
    const { address } = hello.client;
    if (address === undefined)
      return {
        address,
        iprev: HIDDEN_IPREV,
        helo,
        spf,
        dkim,
        dmarc,
        lists: NOT_LISTED,
        authors: from.length,
      };
    return { address, iprev, helo, spf, dkim, dmarc, lists, authors: from.length };
  } finally {
    limit.end();
  }
}

const LATE = 'no answer in time';
const NO_IPREV: Iprev = { result: 'temperror', name: undefined, comment: LATE };
const NO_DKIM: readonly Dkim[] = [
  { result: 'temperror', domain: '', selector: '', algorithm: '', testing: false, comment: LATE },
];
const NO_DMARC: Dmarc = {
  result: 'temperror',
  from: undefined,
  policyDomain: undefined,
  policy: undefined,
  aligned: { spf: false, dkim: false },
  comment: LATE,
};

function noSpf(domain: string, identity: Spf['identity']): Spf {
  return {
    result: 'temperror',
    domain,
    identity,
    mechanism: undefined,
    explanation: undefined,
    lookups: 0,
    comment: LATE,
  };
}

function domainOf(sender: string): string | undefined {
  return sender === '' ? undefined : sender.slice(sender.lastIndexOf('@') + 1);
}

/** One time for several promises. */
class TimeLimit {
  readonly #over: Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#over = new Promise((resolve) => (this.#timer = setTimeout(resolve, ms)));
  }

  or<T>(promise: Promise<T>, instead: T): Promise<T> {
    return Promise.race([promise, this.#over.then(() => instead)]);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
