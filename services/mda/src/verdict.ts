/** What the store decided, as LMTP says it: pure. */
import type { DeliverItem, DeliverVerdict } from '@waybill/mailstore';
import { type Reply, reply } from '@waybill/smtp';

/** The delivery was recorded by an earlier attempt whose answer was lost. */
export const RECORDED = reply(250, '2.1.5', 'Delivered before');
/** Unclassified: temporary, whatever it was. */
export const TROUBLE = reply(451, '4.3.0', 'Could not be stored now, try again later');
const OVER_QUOTA = reply(552, '5.2.2', 'The mailbox is full'); // RFC 3463 §3.3 X.2.2
const REMOVED = reply(550, '5.2.1', 'The mailbox has been removed'); // RFC 3463 §3.3 X.2.1

/** The mailbox that junk goes to when it can go nowhere else. */
const INBOX = 1;

/** @param target where it was to go */
export function verdictReply(verdict: DeliverVerdict, target: DeliverItem['target']): Reply {
  switch (verdict.status) {
    case 'stored': {
      const where = target === 'junk' && verdict.mailboxId !== INBOX ? ' in Junk' : '';
      return reply(250, '2.0.0', `Stored${where} with uid ${verdict.uid}`);
    }
    case 'duplicate':
      return RECORDED;
    case 'over-quota':
      return OVER_QUOTA;
    case 'no-such-account':
      return REMOVED;
    default:
      return TROUBLE;
  }
}
