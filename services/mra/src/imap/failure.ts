/** What an error of the store means to the client. Pure: the table from causes to answers. */
import { StoreRefusal } from '@waybill/mailstore';
import { Bad, Bye, Gone, No } from './replies.ts';

const REFUSALS: Record<StoreRefusal['reason'], readonly [text: string, code?: string]> = {
  'no-such-mailbox': ['There is no such mailbox', 'NONEXISTENT'],
  'already-exists': ['A mailbox with this name exists already', 'ALREADYEXISTS'],
  'has-children': ['This mailbox has inferior mailboxes', 'HASCHILDREN'],
  'over-quota': ['The account is full', 'OVERQUOTA'],
  'no-such-account': ['The account is not there any more', 'UNAVAILABLE'],
  'bad-name': ['This name cannot be a mailbox', 'CANNOT'],
  'too-many': ['There are too many of them', 'LIMIT'],
  'cannot-delete-inbox': ['INBOX cannot be deleted', 'CANNOT'],
  'no-such-message': ['Some of the messages no longer exist', 'EXPUNGEISSUED'],
};

export type Answer = No | Bad | Bye | Gone;

/** The answer for anything that was thrown, and whether it is a fault of ours that must be logged. */
export function answerFor(error: unknown): { readonly answer: Answer; readonly fault?: 'outage' | 'bug' } {
  if (error instanceof No || error instanceof Bad || error instanceof Bye || error instanceof Gone)
    return { answer: error };
  if (error instanceof StoreRefusal) return { answer: new No(...REFUSALS[error.reason]) };
  if (isOutage(error))
    return {
      answer: new No('The mail store cannot be reached now, try again', 'UNAVAILABLE'),
      fault: 'outage',
    };
  return { answer: new No('Something went wrong here; it was logged', 'SERVERBUG'), fault: 'bug' };
}

/** SQLSTATE classes that pass: connection, resources, shutdown, serialisation, locks. */
const PASSING = ['08', '25', '40', '53', '55', '57', '58'];

/** True for the loss or overload of Postgres: it will come back, and the session lives on. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (typeof syscall === 'string') return true;
  if (typeof code === 'string' && code.length === 5 && PASSING.includes(code.slice(0, 2))) return true;
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') return true;
  // What pg says without a code.
  return (
    error.message.startsWith('Connection terminated') ||
    error.message.startsWith('timeout exceeded when trying to connect') ||
    error.message.startsWith('Client has encountered a connection error') ||
    error.message.startsWith('Query read timeout') ||
    error.message.startsWith('Client was closed')
  );
}
