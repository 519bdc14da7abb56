import { isAscii } from 'node:buffer';
import type { Claimed } from '@waybill/spool';
import { notifyOf, type RcptParameters } from '@waybill/smtp';
import type { Transaction } from '@waybill/smtp/client';

/** Recipients of one transaction: what every host takes (RFC 5321 §4.5.3.1.8). */
const MAX_RECIPIENTS = 100;

/** Recipients of one message and one destination, at most 100, in the order claimed. */
export function groups(claims: readonly Claimed[]): Claimed[][] {
  const open = new Map<string, Claimed[]>();
  const all: Claimed[][] = [];
  for (const claim of claims) {
    let group = open.get(claim.spoolId);
    if (group === undefined || group.length >= MAX_RECIPIENTS) {
      group = [];
      open.set(claim.spoolId, group);
      all.push(group);
    }
    group.push(claim);
  }
  return all;
}

/** The spool's rows as SMTP says them. */
export function envelope(claims: readonly Claimed[], body: Buffer): Transaction {
  const [first] = claims;
  if (first === undefined) throw new RangeError('a transaction has recipients');
  return {
    from: first.returnPath,
    parameters: {
      // RFC 6531 §3.4: an alias may have led to an address that the client's envelope did not hold.
      smtputf8: first.smtputf8 || !claims.every(({ address }) => isAscii(Buffer.from(address))),
      ...(first.ret === null ? {} : { ret: first.ret }),
      ...(first.envid === null ? {} : { envid: first.envid }),
    },
    recipients: claims.map((claim) => ({ address: claim.address, parameters: rcptParameters(claim) })),
    body,
  };
}

function rcptParameters(claim: Claimed): RcptParameters {
  const notify = notifyOf(claim.notify);
  return {
    deliveryId: claim.deliveryId,
    journeyId: claim.spoolId,
    ...(claim.accountId === null ? {} : { accountId: claim.accountId }),
    ...(claim.orcpt === null ? {} : { orcpt: claim.orcpt }),
    ...(notify === undefined ? {} : { notify }),
  };
}
