/** The end of DATA: completes the message (RFC 6409 §8) and makes the draft. Pure. */
import {
  fieldValue,
  formatDate,
  type HeaderField,
  headerFields,
  isHeaderRead,
  newMessageId,
  receivedField,
  withoutFields,
} from '@waybill/message';
import { formatAddress, type Mailbox, type MailParameters, type Reply, reply } from '@waybill/smtp';
import type { Peer, ReceivedMessage } from '@waybill/smtp/server';
import type { Draft, RecipientList } from '@waybill/spool';
import { isForged } from './forged.ts';
import type { Senders } from './senders.ts';

/** RFC 5321 §6.3: a message that has been through so many hosts goes in circles. */
const MAX_HOPS = 50;
const LOOPING = reply(554, '5.4.6', `Too many hops: the message came through ${MAX_HOPS} hosts`);
/** What was not read could hold a Bcc, or a second From. */
const ENDLESS_HEADER = reply(554, '5.6.0', 'The header is longer than 1,000 fields or 1 MiB');
const FOLDED_START = reply(550, '5.6.0', 'The message begins with white space instead of a field');

/** RFC 5322 §3.6.3: whom the writer hides stays hidden. */
const DROPPED: ReadonlySet<string> = new Set(['bcc', 'resent-bcc']);

/** The envelope of one transaction. */
export interface Envelope {
  readonly id: string;
  readonly from: Mailbox | undefined;
  readonly parameters: MailParameters;
  readonly recipients: RecipientList;
  /** RCPT commands that were taken. */
  readonly asked: number;
  /** What the client wrote in its only RCPT; undefined when there were several. */
  readonly onlyRecipient: string | undefined;
}

/** Who sent it and who we are, for the trace field. */
export interface Hop {
  readonly peer: Peer;
  readonly helo: string;
  readonly hostname: string;
  readonly accountId: string;
  /** The account's own address, for a Sender field that is missing. */
  readonly account: string;
}

/** A message with its header found. */
export interface Read {
  readonly octets: Buffer;
  readonly fields: readonly HeaderField[];
}

export interface Drafted {
  readonly draft: Draft;
  readonly messageId: string;
}

/** Finds the header; or why the message is refused for it. */
export function readHeader(message: ReceivedMessage): Read | Reply {
  const [only] = message.chunks;
  const octets = message.chunks.length === 1 && only !== undefined ? only : Buffer.concat(message.chunks);
  // It would fold into the fields that are put in front.
  if (octets[0] === 0x20 || octets[0] === 0x09) return FOLDED_START;
  const fields = headerFields(octets);
  return isHeaderRead(octets, fields) ? { octets, fields } : ENDLESS_HEADER;
}

/** A Message-ID that is missing is made in the domain of the first author. */
export function draftOf(
  { octets, fields }: Read,
  { author, lacksSender }: Senders,
  envelope: Envelope,
  hop: Hop,
  now: Date,
): Drafted | Reply {
  const { id, from, parameters, onlyRecipient } = envelope;
  const hops = 1 + count(fields, 'received');
  if (hops > MAX_HOPS) return LOOPING;
  const given = fields.find((field) => field.name === 'message-id');
  const domain = author.slice(author.lastIndexOf('@') + 1);
  const messageId = given === undefined ? newMessageId(domain) : fieldValue(octets, given);
  const trace = receivedField({
    helo: hop.helo,
    address: hop.peer.address,
    by: hop.hostname,
    protocol: parameters.smtputf8 ? 'UTF8SMTPSA' : 'ESMTPSA', // RFC 3848, RFC 6531 §4.3
    id,
    // RFC 5321 §7.2: with several recipients naming one would tell of the others.
    for: onlyRecipient,
    tls: hop.peer.tls,
    date: now,
  });
  const added =
    (given === undefined ? `Message-ID: ${messageId}\r\n` : '') +
    (lacksSender ? `Sender: ${hop.account}\r\n` : '') + // RFC 6409 §8.1
    (count(fields, 'date') === 0 ? `Date: ${formatDate(now)}\r\n` : '');
  const drop = (field: HeaderField): boolean =>
    DROPPED.has(field.name) || isForged(octets, field, hop.hostname);
  const kept = withoutFields(octets, fields, drop) ?? [octets];
  const draft: Draft = {
    id,
    origin: 'msa',
    returnPath: from === undefined ? '' : formatAddress(from),
    recipients: envelope.recipients.list(),
    message: Buffer.concat([Buffer.from(trace + added), ...kept]),
    smtputf8: parameters.smtputf8,
    hops,
    authAccount: hop.accountId,
    ...(parameters.envid === undefined ? {} : { envid: parameters.envid }),
    ...(parameters.ret === undefined ? {} : { ret: parameters.ret }),
    clientInfo: {
      address: hop.peer.address,
      helo: hop.helo.slice(0, 256),
      ...(hop.peer.tls === undefined ? {} : { tls: hop.peer.tls.protocol }),
    },
  };
  return { draft, messageId: messageId.slice(0, 256) };
}

function count(fields: readonly HeaderField[], name: string): number {
  let n = 0;
  for (const field of fields) if (field.name === name) n++;
  return n;
}
