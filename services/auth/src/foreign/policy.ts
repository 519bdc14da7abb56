import type { SpendRequest, SpendResponse } from '@waybill/auth-client';
import type { DirectoryQuestions } from './directory-questions.ts';

/**
 * What a foreign MTA is told about a client and a message: banned networks are refused, and what a logged-in
 * account sends is counted against its limits, once per message, when all its recipients are known.
 */
export interface PolicyParts {
  readonly directory: DirectoryQuestions;
  /** Counts a message; may reject, which is trouble. */
  readonly spend: (request: SpendRequest) => Promise<SpendResponse>;
  /** Why an address is banned; undefined: it is not. */
  readonly bannedFor: (address: string) => string | undefined;
}

/** An action of access(5), and how it is counted. */
export interface Verdict {
  readonly action: string;
  readonly result: 'dunno' | 'banned' | 'limited' | 'held' | 'refused' | 'try-later';
}

/** States in which all recipients are known (SMTPD_POLICY_README). Earlier ones count nothing. */
const COUNTED: ReadonlySet<string> = new Set(['DATA', 'BDAT', 'END-OF-MESSAGE']);
const MOST_RECIPIENTS = 100_000;

export const DUNNO: Verdict = { action: 'DUNNO', result: 'dunno' };
/** Others may still refuse it for good; else it is to come again. */
export const TRY_LATER: Verdict = {
  action: 'DEFER_IF_PERMIT 4.3.0 The limits of the account cannot be asked now, try again later',
  result: 'try-later',
};
const HELD: Verdict = {
  action: '451 4.7.1 Sending is on hold for this account; ask the postmaster',
  result: 'held',
};
const NO_ACCOUNT: Verdict = { action: 'REJECT 5.7.1 This account may not send', result: 'refused' };

export function isCounted(attributes: ReadonlyMap<string, string>): boolean {
  return (
    (attributes.get('sasl_username') ?? '') !== '' && COUNTED.has(attributes.get('protocol_state') ?? '')
  );
}

/**
 * @param counted this message was counted before
 * @throws what the parts throw
 */
export async function decide(
  attributes: ReadonlyMap<string, string>,
  counted: boolean,
  { directory, spend, bannedFor }: PolicyParts,
): Promise<Verdict> {
  const reason = bannedFor(attributes.get('client_address') ?? '');
  if (reason !== undefined) return { action: `REJECT 5.7.1 ${oneLine(reason)}`, result: 'banned' };
  if (counted || !isCounted(attributes)) return DUNNO;
  const { resolution, soleOwner } = await directory.resolve(attributes.get('sasl_username') ?? '');
  if (resolution.status === 'try-later') return TRY_LATER;
  if (resolution.status !== 'mailbox' || soleOwner?.active !== true) return NO_ACCOUNT;
  const { accountId } = resolution.account;
  const outcome = await spend({ accountId, recipients: recipientsOf(attributes.get('recipient_count')) });
  switch (outcome.status) {
    case 'ok':
      return DUNNO;
    case 'limited':
      return { action: `451 4.7.1 ${limitText(outcome.limit, outcome.retryAfter)}`, result: 'limited' };
    case 'held':
      return HELD;
    default:
      return TRY_LATER;
  }
}

function recipientsOf(text: string | undefined): number {
  const count = text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) : 1;
  return Math.min(Math.max(count, 1), MOST_RECIPIENTS);
}

function limitText(limit: string, seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  return oneLine(`The limit of ${limit} is reached; there is room again in ${minutes} min`);
}

/** What people wrote, as one line of a reply. */
function oneLine(text: string): string {
  let out = '';
  for (const character of text.slice(0, 200))
    out += character < ' ' || character === '\u007f' ? ' ' : character;
  return out.trim() === '' ? 'Refused' : out;
}
