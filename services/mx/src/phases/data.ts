/** The end of DATA: the trace field goes in front, hops are counted, and the draft is made. Pure. */
import { fieldValue, headerFields, prependFields, receivedField, transmissionType } from '@waybill/message';
import { type Mailbox, formatAddress, type MailParameters, type Reply, reply } from '@waybill/smtp';
import type { Peer, ReceivedMessage } from '@waybill/smtp/server';
import type { Draft, RecipientList } from '@waybill/spool';

/** RFC 5321 §6.3: a message that has been through so many hosts goes in circles. */
const MAX_HOPS = 50;
const LOOPING = reply(554, '5.4.6', `Too many hops: the message came through ${MAX_HOPS} hosts`);

/** The envelope of one transaction. */
export interface Envelope {
  readonly id: string;
  readonly from: Mailbox | undefined;
  readonly parameters: MailParameters;
  readonly recipients: RecipientList;
  /** What the client wrote in its only RCPT; undefined when there were several. */
  readonly onlyRecipient: string | undefined;
}

/** Who sent it and who we are, for the trace field. */
export interface Hop {
  readonly peer: Peer;
  readonly helo: string;
  readonly extended: boolean;
  readonly hostname: string;
}

/** The draft, and the message's own Message-ID for the journey. */
export interface Drafted {
  readonly draft: Draft;
  readonly messageId: string | undefined;
}

export function draftOf(message: ReceivedMessage, envelope: Envelope, hop: Hop, now: Date): Drafted | Reply {
  const { id, from, parameters, onlyRecipient } = envelope;
  const trace = receivedField({
    helo: hop.helo,
    address: hop.peer.address,
    by: hop.hostname,
    protocol: transmissionType({
      extended: hop.extended,
      secure: hop.peer.tls !== undefined,
      smtputf8: parameters.smtputf8,
    }),
    id,
    // RFC 5321 §7.2: with several recipients naming one would tell of the others.
    for: onlyRecipient,
    tls: hop.peer.tls,
    date: now,
  });
  const octets = prependFields(message.chunks, trace);
  const fields = headerFields(octets);
  let hops = 0;
  for (const field of fields) if (field.name === 'received') hops++;
  // Our own is one of them.
  if (hops > MAX_HOPS) return LOOPING;
  const messageIdField = fields.find((field) => field.name === 'message-id');
  const draft: Draft = {
    id,
    origin: 'mx',
    returnPath: from === undefined ? '' : formatAddress(from),
    recipients: envelope.recipients.list(),
    message: octets,
    smtputf8: parameters.smtputf8,
    hops,
    ...(parameters.envid === undefined ? {} : { envid: parameters.envid }),
    ...(parameters.ret === undefined ? {} : { ret: parameters.ret }),
    clientInfo: {
      address: hop.peer.address,
      helo: hop.helo.slice(0, 256),
      ...(hop.peer.tls === undefined ? {} : { tls: hop.peer.tls.protocol }),
    },
  };
  return {
    draft,
    messageId: messageIdField === undefined ? undefined : fieldValue(octets, messageIdField).slice(0, 256),
  };
}
