import type { MailParameters, Notify, RcptParameters } from '../envelope.ts';
import { type Reply, reply } from '../reply.ts';
import { encodeXtext } from '../xtext.ts';
import type { Capabilities } from './capabilities.ts';

/** A recipient of a transaction; `address` is written as in a path, without its angle brackets. */
export interface Recipient {
  readonly address: string;
  readonly parameters?: RcptParameters;
}

/** One message for some recipients. */
export interface Transaction {
  /** '' is the null sender. */
  readonly from: string;
  readonly parameters: MailParameters;
  readonly recipients: readonly Recipient[];
  /** Header fields that go in front of the body, CRLF after each: what is added for this hop costs no copy of the message. */
  readonly front?: Buffer;
  readonly body: Buffer;
  /** Asked right before the final dot of SMTP, when the content is out; false ends the connection without the dot. */
  readonly beforeDot?: () => Promise<boolean>;
  /**
   * The message goes to all recipients or to none: DATA waits for the last RCPT's reply and is not said when one
   * of them was refused. SMTP only.
   */
  readonly allOrNothing?: boolean;
}

/** Octets of the message as it leaves, before dot-stuffing (RFC 1870 §5). */
export function octetsOf(t: Pick<Transaction, 'front' | 'body'>): number {
  return (t.front?.length ?? 0) + t.body.length;
}

/** MAIL with what the peer offered to understand; CRLF included. */
export function mailCommand(t: Transaction, peer: Capabilities): string {
  let line = `MAIL FROM:<${t.from}>`;
  if (peer.size !== undefined) line += ` SIZE=${octetsOf(t)}`;
  // Saying 8BITMIME of a 7 bit body is harmless, looking for 8 bit octets is not free. A peer that
  // does not offer it gets the octets as they are: all that matters pass them on, re-encoding would break signatures.
  if (peer.eightBitMime) line += ' BODY=8BITMIME';
  if (peer.smtputf8 && t.parameters.smtputf8) line += ' SMTPUTF8';
  if (peer.dsn) {
    if (t.parameters.ret !== undefined) line += ` RET=${t.parameters.ret}`;
    if (t.parameters.envid !== undefined) line += ` ENVID=${encodeXtext(t.parameters.envid)}`;
  }
  if (peer.waybill && t.parameters.journeyId !== undefined) line += ` XJOURNEY=${t.parameters.journeyId}`;
  return `${line}\r\n`;
}

/** RCPT with what the peer offered to understand; CRLF included. */
export function rcptCommand(r: Recipient, peer: Capabilities): string {
  let line = `RCPT TO:<${r.address}>`;
  const p = r.parameters;
  if (p === undefined) return `${line}\r\n`;
  if (peer.dsn) {
    if (p.notify !== undefined) line += ` NOTIFY=${notifyWords(p.notify)}`;
    if (p.orcpt !== undefined) line += ` ORCPT=${orcptValue(p.orcpt)}`;
  }
  if (peer.waybill) {
    if (p.deliveryId !== undefined) line += ` XDELIVERY=${p.deliveryId}`;
    if (p.accountId !== undefined) line += ` XACCOUNT=${p.accountId}`;
    if (p.journeyId !== undefined) line += ` XJOURNEY=${p.journeyId}`;
  }
  return `${line}\r\n`;
}

/** The reply that this host would have to give, where its offers show that the message cannot go there. */
export function unsuitable(t: Transaction, peer: Capabilities): Reply | undefined {
  if (peer.size !== undefined && peer.size > 0 && octetsOf(t) > peer.size)
    // RFC 1870 §6.1
    return reply(
      552,
      '5.3.4',
      `Message of ${octetsOf(t)} octets is larger than the host's limit of ${peer.size}`,
    );
  if (t.parameters.smtputf8 && !peer.smtputf8 && needsUtf8(t))
    // RFC 6531 §3.2
    return reply(550, '5.6.7', 'The host does not offer SMTPUTF8, which the addresses or header need');
  for (const address of [t.from, ...t.recipients.map((r) => r.address)])
    if (!speakable(address))
      return reply(553, '5.1.3', 'An address of the envelope cannot be written in a command');
  return undefined;
}

/** Whether an address can stand in a command: nothing that could end the path or the line. */
function speakable(address: string): boolean {
  let quoted = false;
  for (let i = 0; i < address.length; i++) {
    const c = address.charCodeAt(i);
    if (c < 32 || c === 127) return false;
    if (c === 34) quoted = !quoted;
    else if (c === 92 && quoted) i++;
    else if (!quoted && (c === 32 || c === 60 || c === 62)) return false;
  }
  return !quoted;
}

function needsUtf8(t: Transaction): boolean {
  if (!isAscii(t.from) || t.recipients.some((r) => !isAscii(r.address))) return true;
  const end = t.body.indexOf('\r\n\r\n');
  const stop = end === -1 ? t.body.length : end;
  for (let i = 0; i < stop; i++) if ((t.body[i] as number) > 127) return true;
  return false;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

function notifyWords(n: Notify): string {
  if (n.never) return 'NEVER';
  const words = [n.success && 'SUCCESS', n.failure && 'FAILURE', n.delay && 'DELAY'].filter(Boolean);
  return words.length === 0 ? 'NEVER' : words.join(',');
}

/** RFC 3461 §4.2: the address type stays, the address is xtext. */
function orcptValue(orcpt: string): string {
  const at = orcpt.indexOf(';');
  return at === -1
    ? `rfc822;${encodeXtext(orcpt)}`
    : `${orcpt.slice(0, at)};${encodeXtext(orcpt.slice(at + 1))}`;
}
