import { type Auth, isTryLater } from '@waybill/auth-client';
import { type Claimed, type DraftRecipient, localDestination } from '@waybill/spool';

/** Bits of NOTIFY in the spool, RFC 3461 §4.1. */
const NEVER = 1;
const FAILURE = 4;

/** Why a failure is closed without a report; each is counted, none is silent. */
export type Unreported = 'null-sender' | 'notify' | 'no-such-sender';

/** Whether the sender is told of this recipient's failure. RFC 3461 §5.2.7; RFC 5321 §6.1: never answer `<>`. */
export function unreported(claim: Pick<Claimed, 'returnPath' | 'notify'>): Unreported | undefined {
  if (claim.returnPath === '') return 'null-sender';
  if ((claim.notify & NEVER) !== 0) return 'notify';
  return claim.notify === 0 || (claim.notify & FAILURE) !== 0 ? undefined : 'notify';
}

export type Addressees =
  | { readonly kind: 'known'; readonly recipients: readonly DraftRecipient[] }
  /** The sender is an address of a domain of ours that does not exist (any more): nobody to tell. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'try-later' };

/** Where a report goes. Senders of ours get it in their mailbox at once, whatever their domain's route: nothing circles. */
export async function addressees(auth: Pick<Auth, 'resolve'>, returnPath: string): Promise<Addressees> {
  const [answer] = await auth.resolve([returnPath]);
  if (answer === undefined || isTryLater(answer)) return { kind: 'try-later' };
  if (answer.status === 'unknown') return { kind: 'nobody' };
  if (answer.status === 'mailbox') {
    const foreignStore = answer.route.startsWith('lmtp:');
    const { accountId } = answer.account;
    return known(foreignStore ? elsewhere(returnPath) : inside(returnPath, accountId));
  }
  if (answer.status === 'alias')
    return known(
      ...answer.targets.map(({ address, account }) =>
        account === undefined ? elsewhere(address) : inside(address, account.accountId),
      ),
    );
  return known(elsewhere(returnPath));
}

function known(...recipients: DraftRecipient[]): Addressees {
  return recipients.length === 0 ? { kind: 'nobody' } : { kind: 'known', recipients };
}

/** A report asks for no report: RFC 3461 §6.2. */
function inside(address: string, accountId: string): DraftRecipient {
  return { address, notify: NEVER, destination: localDestination(accountId), accountId };
}

function elsewhere(address: string): DraftRecipient {
  return { address, notify: NEVER, destination: address.slice(address.lastIndexOf('@') + 1).toLowerCase() };
}
