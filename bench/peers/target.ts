import type { Door } from '../clients/job.ts';
import type { Part } from '../measure/meter.ts';

/**
 * A mail suite under load: ours, or one beside us. The same rows are run against each; what a target cannot do it
 * says, and the table says it too.
 */
export interface Target extends AsyncDisposable {
  /** For tables: `Waybill`, `Postfix + Dovecot`. */
  readonly name: string;
  /** What is running, program to version. */
  readonly versions: Readonly<Record<string, string>>;
  /** What one must know of its settings to believe the figures, a line each. */
  readonly settings: readonly string[];
  readonly doors: Readonly<Partial<Record<DoorName, Door>>>;
  /** Every process it is made of, by part. */
  readonly parts: readonly Part[];
  /** Logins, by the kind of the account. */
  readonly accounts: Accounts;
  /** Messages accepted and not yet delivered or relayed. Cheap enough to be asked ten times a second. */
  queued(): Promise<number>;
}

/** `mx`: SMTP in clear; `submission`, `imap`, `pop3`: TLS from the first octet. */
export type DoorName = 'mx' | 'submission' | 'imap' | 'pop3';

export const DOMAIN = 'bench.test';
/** Where mail to strangers is addressed to; every target hands it to the sink. */
export const OUTSIDE = 'out.test';
export const PASSWORD = 'a-pass-word-for-load';

export interface Accounts {
  /** Mailboxes that are delivered to: u1, u2, … */
  readonly readers: readonly string[];
  /** One with a large mailbox. */
  readonly large: string;
  /** One whose maildrop POP3 reads. */
  readonly maildrop: string;
  /** One whose password a peer keeps in clear, so that a login there costs no hash; with us one like all others. */
  readonly clear: string;
  /** One that is told of news while it idles. */
  readonly listener: string;
}

export function accountsOf(readers: number): Accounts {
  return {
    readers: Array.from({ length: readers }, (_, index) => `u${index + 1}@${DOMAIN}`),
    large: `large@${DOMAIN}`,
    maildrop: `maildrop@${DOMAIN}`,
    clear: `clear@${DOMAIN}`,
    listener: `listener@${DOMAIN}`,
  };
}

export function allAccounts(accounts: Accounts): readonly string[] {
  return [...accounts.readers, accounts.large, accounts.maildrop, accounts.clear, accounts.listener];
}
