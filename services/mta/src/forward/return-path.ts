import { type ForwardSender, isTryLater } from '@waybill/auth-client';
import type { Claimed } from '@waybill/spool';

/** The return path under which mail leaves: strangers' mail that an alias sends on bounces to us first (SRS). */
export interface ReturnPathOptions {
  readonly auth: ForwardSender;
  /** How long an answer is used, ms; 300,000 when not given. A day is what its stamp tells apart. */
  readonly keepMs?: number;
}

export type ReturnPath = { readonly kind: 'known'; readonly sender: string } | { readonly kind: 'try-later' };

const KEEP = 300_000;
const MAX_KEPT = 5000;

/**
 * Strangers' servers ask SPF of the return path: with the writer's own, mail that we pass on looks forged. auth writes
 * one of ours in which the writer's is sealed, and resolves it again when a bounce comes back to mx.
 */
export class ReturnPaths {
  readonly #options: ReturnPathOptions;
  readonly #kept = new Map<string, { readonly sender: string; readonly until: number }>();

  constructor(options: ReturnPathOptions) {
    this.#options = options;
  }

  /** For a message that goes outside. Our writers' mail and reports keep theirs; so does what is ours already, as auth says. */
  async of(claims: readonly Pick<Claimed, 'origin' | 'returnPath' | 'orcpt'>[]): Promise<ReturnPath> {
    const [first] = claims;
    if (first === undefined || first.origin !== 'mx' || first.returnPath === '')
      return { kind: 'known', sender: first?.returnPath ?? '' };
    const via = forwarder(claims);
    const key = `${via ?? ''} ${first.returnPath}`;
    const now = performance.now();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.until > now) return { kind: 'known', sender: kept.sender };
    const answer = await this.#options.auth.forwardSender({
      sender: first.returnPath,
      ...(via === undefined ? {} : { via }),
    });
    if (isTryLater(answer)) return { kind: 'try-later' };
    this.#kept.delete(key);
    if (this.#kept.size >= MAX_KEPT)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    this.#kept.set(key, { sender: answer.sender, until: now + (this.#options.keepMs ?? KEEP) });
    return { kind: 'known', sender: answer.sender };
  }
}

/** The address of ours that the stranger wrote to: what mx notes when an alias leads on (RFC 3461 §4.2). */
function forwarder(claims: readonly Pick<Claimed, 'orcpt'>[]): string | undefined {
  for (const { orcpt } of claims) {
    if (orcpt === null) continue;
    const semicolon = orcpt.indexOf(';');
    const type = orcpt.slice(0, semicolon).toLowerCase();
    const address = orcpt.slice(semicolon + 1);
    if ((type === 'rfc822' || type === 'utf-8') && address.includes('@') && address.length <= 320)
      return address;
  }
  return undefined;
}
