/** The checks of a sender over one source of names. */
import type { CheckLimits, Names, SenderChecks } from './contract.ts';
import { verifyMessage } from './dkim/verifier.ts';
import { checkDmarc } from './dmarc/check-dmarc.ts';
import { checkIprev } from './iprev.ts';
import { withinTime } from './names/limited-names.ts';
import { checkSender } from './spf/check-sender.ts';

export interface CheckOptions extends CheckLimits {
  /** Our own name, for the words of a domain about us (`%{r}`, RFC 7208 §7.2). `unknown` when not given. */
  readonly hostname?: string;
}

/**
 * `timeMs` bounds the DNS of each check by itself: they run beside each other, and who waits for several has a
 * time of his own.
 * @param names asked for everything; nothing else is read and nothing is written. Its answers are not kept here:
 *   `Resolver` of @waybill/dns does that. What is made of them (parsed records, keys) is kept by their text.
 */
export function openSenderChecks(names: Names, options: CheckOptions = {}): SenderChecks {
  const { timeMs = 15_000, hostname = 'unknown' } = options;
  return {
    iprev: (address) => withinTime(names, timeMs, (within) => checkIprev(within, address)),
    spf: (client, sender, identity) =>
      withinTime(names, timeMs, (within) => checkSender(within, client, sender, identity, hostname)),
    dkim: (message, now = new Date()) =>
      withinTime(names, timeMs, (within) => verifyMessage(within, message, now, options)),
    dmarc: (fromFields, spf, dkim) =>
      withinTime(names, timeMs, (within) => checkDmarc(within, fromFields, spf, dkim)),
  };
}
