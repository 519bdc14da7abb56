import { domainToASCII } from 'node:url';
import { type SigningKey, signMessage } from '@waybill/mail-auth/sign';
import { fieldValue, headerFields, mailboxes, parseAddressList } from '@waybill/message';
import type { Claimed } from '@waybill/spool';
import type { Events } from '../events.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Puts our name under mail of ours that goes outside: one signature per kind of key, made once per message. */
export interface SignerOptions {
  readonly keys: Pick<SigningKeys, 'of'>;
  readonly events: Pick<Events, 'signed'>;
  /** How long a message's signatures are used for its other destinations, ms; 60,000 when not given. */
  readonly keepMs?: number;
}

const KEEP = 60_000;
/** Messages whose signatures are remembered; each is some 1.5 KB. */
const MAX_MESSAGES = 1000;

export class Signer {
  readonly #options: SignerOptions;
  readonly #kept = new Map<
    string,
    { readonly fields: Promise<Buffer | undefined>; readonly until: number }
  >();

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /**
   * The fields to put in front of a message, or undefined where it is not ours to sign: mail that is only passed
   * on, for strangers, another machine's mta or a listed network, and From: of domains that have no keys here.
   * @throws when the keys cannot be read: the message waits, for unsigned it might be refused for good
   */
  front(claim: Pick<Claimed, 'spoolId' | 'ours'>, message: Buffer): Promise<Buffer | undefined> {
    if (!claim.ours) return NOT_OURS;
    const now = performance.now();
    const kept = this.#kept.get(claim.spoolId);
    if (kept !== undefined && kept.until > now) return kept.fields;
    for (const [id, { until }] of this.#kept) {
      if (until > now && this.#kept.size < MAX_MESSAGES) break;
      this.#kept.delete(id);
    }
    this.#kept.delete(claim.spoolId);
    const fields = this.#sign(claim.spoolId, message);
    this.#kept.set(claim.spoolId, { fields, until: now + (this.#options.keepMs ?? KEEP) });
    fields.catch(() => {
      if (this.#kept.get(claim.spoolId)?.fields === fields) this.#kept.delete(claim.spoolId);
    });
    return fields;
  }

  async #sign(spoolId: string, message: Buffer): Promise<Buffer | undefined> {
    const domain = authorDomain(message);
    const keys: readonly SigningKey[] = domain === undefined ? [] : await this.#options.keys.of(domain);
    if (keys.length === 0) {
      this.#options.events.signed(spoolId, []);
      return undefined;
    }
    const made = await signMessage(message, keys, new Date());
    this.#options.events.signed(spoolId, made.keys);
    return made.keys.length === 0 ? undefined : made.fields;
  }
}

const NOT_OURS = Promise.resolve(undefined);

/** The domain of the first author, A-labels in lower case; undefined where From: names none. */
export function authorDomain(message: Buffer): string | undefined {
  const from = headerFields(message).find(({ name }) => name === 'from');
  if (from === undefined) return undefined;
  const [author] = mailboxes(parseAddressList(fieldValue(message, from)));
  const domain = author === undefined ? '' : domainToASCII(author.domain ?? '');
  return domain === '' ? undefined : domain.toLowerCase();
}
