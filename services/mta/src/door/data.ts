/** The end of DATA at the inner door: one trace field goes in front, hops are counted, the draft is made. Pure. */
import { fieldValue, headerFields, prependFields, receivedField, transmissionType } from '@waybill/message';
import { formatAddress, type Mailbox, type MailParameters, type Reply, reply } from '@waybill/smtp';
import type { Peer, ReceivedMessage } from '@waybill/smtp/server';
import type { Draft, Origin, RecipientList } from '@waybill/spool';

/** RFC 5321 §6.3: a message that has been through so many hosts goes in circles. */
const MAX_HOPS = 50;
const LOOPING = reply(554, '5.4.6', `Too many hops: the message came through ${MAX_HOPS} hosts`);

/** The envelope of one transaction. */
export interface Envelope {
  /** The id that the agent before us gave the message, else one of ours. */
  readonly id: string;
  /** It came with the id: the same id again is the same message. */
  readonly named: boolean;
  /** It was in the spool when a recipient was asked for whom we would refuse by now: then it is there with all. */
  readonly recorded: boolean;
  readonly origin: Exclude<Origin, 'dsn'>;
  readonly from: Mailbox | undefined;
  readonly parameters: MailParameters;
  readonly recipients: RecipientList;
  /** What the client wrote in its only RCPT; undefined when there were several. */
  readonly onlyRecipient: string | undefined;
  /** RCPT commands that were answered 250. */
  readonly taken: number;
}

/** Who brought it and who we are, for the trace field. */
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
  const { id, from, origin, parameters, onlyRecipient } = envelope;
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
  const { word, chunks } = wordOfMx(message.chunks, hop.peer);
  const octets = prependFields(chunks, `${word}${trace}`);
  const fields = headerFields(octets);
  let hops = 0;
  for (const field of fields) if (field.name === 'received') hops++;
  // Our own is one of them.
  if (hops > MAX_HOPS) return LOOPING;
  const messageId = fields.find((field) => field.name === 'message-id');
  const draft: Draft = {
    id,
    origin,
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
      ...(hop.peer.agent === undefined ? {} : { agent: hop.peer.agent }),
      ...(hop.peer.tls === undefined ? {} : { tls: hop.peer.tls.protocol }),
    },
  };
  return {
    draft,
    messageId: messageId === undefined ? undefined : fieldValue(octets, messageId).slice(0, 256),
  };
}

/** How mx begins a message that it judged junk; one line. */
const JUNK = Buffer.from('X-Waybill-Verdict: junk;', 'latin1');
/** Longer than mx writes it. */
const LONGEST_WORD = 998;

/**
 * mda takes mx's word for junk where it is the first field of all: it stays in front of our own trace field when mx
 * itself hands the message over. Anybody else's is a field like others, and ours goes before it.
 */
function wordOfMx(
  chunks: readonly Buffer[],
  peer: Peer,
): { readonly word: string; readonly chunks: readonly Buffer[] } {
  if (peer.agent !== 'mx') return { word: '', chunks };
  const [first, others] = gathered(chunks, LONGEST_WORD);
  if (!first.subarray(0, JUNK.length).equals(JUNK)) return { word: '', chunks };
  const end = first.subarray(0, LONGEST_WORD).indexOf('\r\n', 0, 'latin1') + 2;
  if (end < JUNK.length) return { word: '', chunks };
  return { word: first.toString('latin1', 0, end), chunks: [first.subarray(end), ...others] };
}

/** The beginning of a message as one piece of at least `octets`, as far as there are so many, and the rest as it came. */
function gathered(chunks: readonly Buffer[], octets: number): [Buffer, readonly Buffer[]] {
  let size = 0;
  let count = 0;
  for (const chunk of chunks) {
    if (size >= octets) break;
    size += chunk.length;
    count++;
  }
  const [first = Buffer.alloc(0)] = chunks;
  return [count <= 1 ? first : Buffer.concat(chunks.slice(0, count)), chunks.slice(count)];
}
