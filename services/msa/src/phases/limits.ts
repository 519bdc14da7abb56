/** What a writer is told who has sent enough for now. Pure. */
import type { SpendResponse } from '@waybill/auth-client';
import { DIRECTORY_AWAY } from '@waybill/custody';
import { type Reply, reply } from '@waybill/smtp';

/** Why a message may not go now. */
export type NotSpent = Exclude<SpendResponse, { readonly status: 'ok' }>;
/** That it is the account's own doing. */
export type Limited = Exclude<NotSpent, { readonly status: 'try-later' }>;

/** Always temporary: the message may go later as it is. */
export function limitReply(answer: NotSpent): Reply {
  switch (answer.status) {
    case 'limited':
      return reply(
        451,
        '4.7.1',
        `The limit of your account is reached: ${answer.limit}; try again in ${inWords(answer.retryAfter)}`,
      );
    case 'held':
      return reply(451, '4.7.1', 'Your account may not send for now, ask whoever runs this server');
    case 'try-later':
      return DIRECTORY_AWAY;
  }
}

/** The limit as a metric's label: its words without the figure, which is the account's own. */
export function limitLabel(answer: Limited): string {
  if (answer.status === 'held') return 'held';
  const words = answer.limit.replaceAll(/[^a-z ]/g, '').trim();
  return words === '' ? 'other' : words.slice(0, 40);
}

function inWords(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  if (minutes < 120) return minutes === 1 ? 'a minute' : `${minutes} minutes`;
  return `${Math.ceil(minutes / 60)} hours`;
}
