/** What an agent needs to write a message of its own: identifiers and text that any hop carries. */
import { randomBytes, randomUUID } from 'node:crypto';

/** A new Message-ID, angle brackets included (RFC 5322 §3.6.4). `domain` is one of ours. */
export function newMessageId(domain: string): string {
  return `<${randomUUID()}@${domain}>`;
}

/** A boundary that no text of ours can hold: quoted-printable and base64 never write `=_` (RFC 2045 §6.7). */
export function newBoundary(): string {
  return `=_${randomBytes(15).toString('base64url')}`;
}

/**
 * Text for a 7bit part: every line ended by CRLF, controls dropped, other characters above U+007E
 * become `?`, lines cut at 998 octets (RFC 5322 §2.1.1).
 */
export function sevenBitText(text: string): string {
  const lines = text.split(/\r\n|\r|\n/).map((line) => {
    const plain = line.replaceAll(/[^\t\x20-\x7e]/gu, (char) => (char > '~' ? '?' : ''));
    return plain.replaceAll(/(.{998})(?=.)/g, '$1\r\n');
  });
  return `${lines.join('\r\n')}\r\n`;
}

/** One part of a multipart: its header lines without CRLF, and its content, which may be any octets. */
export interface ComposedPart {
  readonly header: readonly string[];
  readonly content: Buffer | string;
}

/**
 * The body of a multipart with these parts. The caller writes the Content-Type with the same boundary,
 * and has made sure that no content holds it.
 */
export function composeMultipart(boundary: string, parts: readonly ComposedPart[]): Buffer {
  const pieces: Buffer[] = [];
  for (const part of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\n${part.header.map((line) => `${line}\r\n`).join('')}\r\n`));
    pieces.push(typeof part.content === 'string' ? Buffer.from(part.content) : part.content);
    pieces.push(Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(pieces);
}
