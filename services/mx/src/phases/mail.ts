/** MAIL: the message gets its id, and its sender's address is counted. */
import type { Spf } from '@waybill/mail-auth';
import { formatAddress, type Mailbox, type MailParameters, type Reply, reply } from '@waybill/smtp';
import { newSpoolId, RecipientList } from '@waybill/spool';
import type { Gate } from '../gate/gate.ts';
import type { HelloInquiry } from './hello.ts';
import type { Policy } from './verdict.ts';

export const SENDER_TAKEN = reply(250, '2.1.0', 'Sender taken');

/** One transaction. */
export interface Envelope {
  readonly id: string;
  readonly from: Mailbox | undefined;
  /** As it is written; '' for the null sender. */
  readonly sender: string;
  readonly parameters: MailParameters;
  readonly hello: HelloInquiry;
  /** SPF of the sender, of HELO for the null sender (RFC 7208 §2.4), asked for once; never rejects. */
  readonly spf: () => Promise<Spf>;
  readonly recipients: RecipientList;
  /** What RCPT named, as the client wrote it; the first so many, for the journey. */
  readonly named: string[];
  /** RCPT commands that were taken. */
  taken: number;
  /** What the domains of the recipients want: of several the mildest. */
  policy: Policy | undefined;
}

/** The sender as it is written; '' for the null sender. */
export function senderOf(from: Mailbox | undefined): string {
  return from === undefined ? '' : formatAddress(from);
}

export function openEnvelope(
  { checks }: Gate,
  hello: HelloInquiry,
  from: Mailbox | undefined,
  parameters: MailParameters,
): Envelope {
  const sender = senderOf(from);
  let spf: Promise<Spf> | undefined;
  return {
    id: newSpoolId(),
    from,
    sender,
    parameters,
    hello,
    spf: () => (spf ??= from === undefined ? hello.spf() : checks.spf(hello.client, sender, 'mailfrom')),
    recipients: new RecipientList(),
    named: [],
    taken: 0,
    policy: undefined,
  };
}

/** Whether this client sends too much just now. */
export function tooMuch(gate: Gate, address: string): Reply | undefined {
  if (gate.lost.hides(address) || gate.unlimited.has(address)) return undefined;
  const over = gate.messages.take(address);
  if (over === undefined) return undefined;
  const whose = over === 'client' ? 'address' : 'network';
  return reply(451, '4.7.1', `Too many messages from your ${whose}, try again later`);
}
