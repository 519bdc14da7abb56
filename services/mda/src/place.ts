/** Which mailbox a recipient is: a pure decision on auth's answer. */
import type { Resolution } from '@waybill/auth-client';
import type { AccountRef } from '@waybill/mailstore';
import { type Reply, reply } from '@waybill/smtp';

/** The account to file for, or why there is none. */
export type Place = { readonly account: AccountRef } | { readonly refusal: Reply };

const UNKNOWN = reply(550, '5.1.1', 'No such mailbox here');
const TRY_LATER = reply(451, '4.3.0', 'The directory cannot be asked now, try again later');
const NOT_EXPANDED = reply(451, '4.3.5', 'This address stands for several and was not expanded before');

/**
 * @param accountId the account that the agent resolved the recipient to when it accepted the message;
 *   undefined from a foreign MTA
 */
export function place(resolution: Resolution, accountId?: string): Place {
  switch (resolution.status) {
    case 'mailbox':
      return { account: resolution.account };
    case 'alias': {
      const { targets } = resolution;
      const named = targets.find(({ account }) => account !== undefined && account.accountId === accountId);
      const only = targets.length === 1 ? targets[0] : undefined;
      const account = named?.account ?? only?.account;
      return account === undefined ? { refusal: NOT_EXPANDED } : { account };
    }
    case 'unknown':
    case 'not-ours':
      return { refusal: UNKNOWN };
    case 'try-later':
      return { refusal: TRY_LATER };
    default:
      return { refusal: TRY_LATER };
  }
}
