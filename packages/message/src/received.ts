/** Trace fields: writes Received (RFC 5321 §4.4) and counts the hops a message made. */
import { isIPv6 } from 'node:net';

import { formatDate } from './date.ts';
import { headerFields } from './header.ts';

export interface ReceivedFacts {
  /** What the client called itself in EHLO; foreign text. */
  readonly helo: string;
  /** The client's address; undefined hides it (RFC 6409 lets a submission server do so). */
  readonly address?: string | undefined;
  /** The client's name by reverse look-up, where one was made. */
  readonly reverseName?: string | undefined;
  /** Our host name. */
  readonly by: string;
  /** RFC 3848: ESMTP, ESMTPS, ESMTPA, ESMTPSA, LMTP, LMTPS, SMTP, UTF8SMTPS… */
  readonly protocol: string;
  /** The message's id. */
  readonly id: string;
  /** The recipient, only where there is exactly one (RFC 5321 §7.2). */
  readonly for?: string | undefined;
  /** `TLSv1.3` and the cipher, told as a comment. */
  readonly tls?: { readonly protocol: string; readonly cipher: string } | undefined;
  readonly date: Date;
}

/**
 * A whole `Received:` field, folded, CRLF at its end. Foreign text keeps only what a domain, literal
 * or path may hold; the rest becomes `?`, so nothing can end the line or the clause.
 */
export function receivedField(facts: ReceivedFacts): string {
  const address = facts.address === undefined ? undefined : addressLiteral(facts.address);
  const tcp = [facts.reverseName === undefined ? undefined : hostText(facts.reverseName), address]
    .filter((item) => item !== undefined)
    .join(' ');
  const words = [`from ${hostText(facts.helo)}`];
  if (tcp !== '') words.push(`(${tcp})`);
  words.push(`by ${hostText(facts.by)}`);
  if (facts.tls !== undefined) {
    words.push(`(${hostText(facts.tls.protocol)} ${hostText(facts.tls.cipher)})`);
  }
  words.push(`with ${hostText(facts.protocol)}`, `id ${hostText(facts.id)}`);
  const path = facts.for === undefined ? undefined : pathText(facts.for);
  if (path !== undefined) words.push(`for <${path}>`);
  const last = words.length - 1;
  words[last] = `${words[last] ?? ''};`;
  words.push(formatDate(facts.date));
  return foldWords('Received:', words);
}

/** The protocol of a Received field from a client without a login: RFC 3848, RFC 6531 §4.3. */
export function transmissionType(session: {
  /** It said EHLO, not HELO. */
  readonly extended: boolean;
  readonly secure: boolean;
  readonly smtputf8: boolean;
}): string {
  if (!session.extended) return 'SMTP';
  return `${session.smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${session.secure ? 'S' : ''}`;
}

/** How many Received fields a message carries: the hop count of RFC 5321 §6.3. */
export function countReceived(buffer: Buffer): number {
  let hops = 0;
  for (const field of headerFields(buffer)) if (field.name === 'received') hops++;
  return hops;
}

/** `[192.0.2.1]` or `[IPv6:2001:db8::1]`, RFC 5321 §4.1.3. */
export function addressLiteral(address: string): string {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
  return isIPv6(plain) ? `[IPv6:${plain}]` : `[${hostText(plain)}]`;
}

/** Joins words by single spaces, a line break before the word that would pass column 78 (RFC 5322 §2.1.1). */
function foldWords(name: string, words: readonly string[]): string {
  let text = name;
  let column = name.length;
  for (const word of words) {
    if (column + 1 + word.length > 78 && column > 1) {
      text += `\r\n\t${word}`;
      column = 8 + word.length;
    } else {
      text += ` ${word}`;
      column += 1 + word.length;
    }
  }
  return `${text}\r\n`;
}

function hostText(text: string): string {
  const clean = text.slice(0, 255).replaceAll(/[^A-Za-z0-9.\-_:[\]]/g, '?');
  return clean === '' ? 'unknown' : clean;
}

/** A path that can stand in the for clause, or undefined: a strange one is left out rather than bent. */
function pathText(address: string): string | undefined {
  if (address.length > 320) return undefined;
  return /[\p{Cc}\p{Z}<>()\\",;]/u.test(address) ? undefined : address;
}
