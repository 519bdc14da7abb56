import type { DraftRecipient } from './contract.ts';

/** RFC 3461 §4.1 bits of DraftRecipient.notify; 0 counts as failure and delay. */
const NEVER = 1;
const DEFAULT = 4 | 8;

/**
 * The recipients of a draft while its envelope comes in: those that lead to one mailbox, or to one
 * address elsewhere, become one delivery.
 */
export class RecipientList {
  readonly #byTarget = new Map<string, DraftRecipient>();

  get size(): number {
    return this.#byTarget.size;
  }

  /** Adds a recipient, or lets it melt into the one that is there; what either wants to be told, is told. */
  add(recipient: DraftRecipient): void {
    const key =
      recipient.accountId === undefined ? `@ ${recipient.address}` : `account ${recipient.accountId}`;
    const known = this.#byTarget.get(key);
    if (known === undefined) this.#byTarget.set(key, recipient);
    else if (known.notify !== recipient.notify)
      this.#byTarget.set(key, { ...known, notify: mergedNotify(known.notify, recipient.notify) });
  }

  list(): DraftRecipient[] {
    return [...this.#byTarget.values()];
  }

  /** Each once, for kicks. */
  destinations(): Set<string> {
    const all = new Set<string>();
    for (const { destination } of this.#byTarget.values()) all.add(destination);
    return all;
  }
}

function mergedNotify(a: number, b: number): number {
  if (a === NEVER) return b;
  if (b === NEVER) return a;
  return (a === 0 ? DEFAULT : a) | (b === 0 ? DEFAULT : b);
}
