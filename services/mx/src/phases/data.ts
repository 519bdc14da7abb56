/** DATA: the header is read, what only we may say is taken out, and what we say goes in front. Pure. */
import {
  fieldValue,
  type HeaderField,
  headerFields,
  isHeaderRead,
  prependFields,
  receivedField,
  transmissionType,
  withoutFields,
} from '@waybill/message';
import { type Reply, reply } from '@waybill/smtp';
import type { Peer, ReceivedMessage } from '@waybill/smtp/server';
import type { Draft } from '@waybill/spool';
import type { Envelope } from './mail.ts';

/** RFC 5321 §6.3: a message that has been through so many hosts goes in circles. */
const MAX_HOPS = 50;
const LOOPING = reply(554, '5.4.6', `Too many hops: the message came through ${MAX_HOPS} hosts`);
/** What was not read could hold a field that only we may write. */
const ENDLESS_HEADER = reply(554, '5.6.0', 'The header is longer than 1,000 fields or 1 MiB');
/** What mda reads of us. */
export const VERDICT_FIELD = 'X-Waybill-Verdict';

/** A message whose header was read. */
export interface Letter {
  /** Octets that hold the whole header, and those after them. */
  readonly head: Buffer;
  readonly rest: readonly Buffer[];
  readonly fields: readonly HeaderField[];
  /** Hosts that it came through, we are one of them. */
  readonly hops: number;
  /** The values of all From: fields, one character per octet. */
  readonly from: readonly string[];
  readonly messageId: string | undefined;
}

/** Who sent it and who we are, for the trace field. */
export interface Hop {
  readonly peer: Peer;
  readonly helo: string;
  readonly extended: boolean;
  readonly hostname: string;
  /** The client's name, where PTR and its addresses agree. */
  readonly reverseName: string | undefined;
}

/** The draft, and the message's own Message-ID for the journey. */
export interface Drafted {
  readonly draft: Draft;
  readonly messageId: string | undefined;
}

/** Reads the header, or says why the message cannot be taken. */
export function readLetter({ chunks, size }: ReceivedMessage): Letter | Reply {
  const [first = Buffer.alloc(0), ...others] = chunks;
  const whole = others.length === 0 || first.indexOf('\r\n\r\n', 0, 'latin1') !== -1;
  const head = whole ? first : Buffer.concat(chunks, size);
  const fields = headerFields(head);
  if (!isHeaderRead(head, fields)) return ENDLESS_HEADER;
  let hops = 1;
  const from: string[] = [];
  let messageId: string | undefined;
  for (const field of fields) {
    if (field.name === 'received') hops++;
    else if (field.name === 'from') from.push(fieldValue(head, field, 'latin1'));
    else if (field.name === 'message-id') messageId ??= fieldValue(head, field).slice(0, 256);
  }
  if (hops > MAX_HOPS) return LOOPING;
  return { head, rest: whole ? others : [], fields, hops, from, messageId };
}

/** What we say of a message besides where it came from. */
export interface Marks {
  /** A whole Authentication-Results field, CRLF at its end. */
  readonly results: string;
  /** Why it is junk; undefined for what is not. */
  readonly junk: string | undefined;
  /** Whether this value of an Authentication-Results field claims to be ours. */
  readonly isOurs: (value: string) => boolean;
}

export function draftOf(letter: Letter, envelope: Envelope, hop: Hop, marks: Marks, now: Date): Drafted {
  const { id, sender, parameters } = envelope;
  // RFC 8601 §4.1: above the trace field of the host that says it, so that all below it is older.
  const front = `${marks.junk === undefined ? '' : junkFields(marks.junk)}${marks.results}${traceField(envelope, hop, now)}`;
  const pieces = withoutFields(letter.head, letter.fields, forgedIn(letter.head, marks)) ?? [letter.head];
  const draft: Draft = {
    id,
    origin: 'mx',
    returnPath: sender,
    recipients: envelope.recipients.list(),
    message: prependFields([...pieces, ...letter.rest], front),
    smtputf8: parameters.smtputf8,
    hops: letter.hops,
    ...(parameters.envid === undefined ? {} : { envid: parameters.envid }),
    ...(parameters.ret === undefined ? {} : { ret: parameters.ret }),
    clientInfo: {
      address: hop.peer.address,
      helo: hop.helo.slice(0, 256),
      ...(hop.peer.tls === undefined ? {} : { tls: hop.peer.tls.protocol }),
    },
  };
  return { draft, messageId: letter.messageId };
}

/** RFC 8601 §5: nobody else says what we found out; and nobody else gives our verdict. */
function forgedIn(head: Buffer, { isOurs }: Marks): (field: HeaderField) => boolean {
  return (field) =>
    field.name === 'x-waybill-verdict' ||
    (field.name === 'authentication-results' && isOurs(fieldValue(head, field)));
}

/** For our mda, and for the Sieve scripts of others. The first field of all: so mda knows that it is ours. */
function junkFields(reason: string): string {
  const plain = reason.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 400);
  return `${VERDICT_FIELD}: junk; ${plain}\r\nX-Spam-Flag: YES\r\n`;
}

function traceField({ id, parameters, named, taken }: Envelope, hop: Hop, now: Date): string {
  return receivedField({
    helo: hop.helo,
    address: hop.peer.address,
    reverseName: hop.reverseName,
    by: hop.hostname,
    protocol: transmissionType({
      extended: hop.extended,
      secure: hop.peer.tls !== undefined,
      smtputf8: parameters.smtputf8,
    }),
    id,
    // RFC 5321 §7.2: with several recipients naming one would tell of the others.
    for: taken === 1 ? named[0] : undefined,
    tls: hop.peer.tls,
    date: now,
  });
}
