/**
 * An SMTP reply as a value: what the client is told, and nothing that it should not know.
 * RFC 5321 §4.2 (codes), RFC 2034 / RFC 3463 (enhanced codes).
 */
export interface Reply {
  /** Three digits, 200–599. */
  readonly code: number;
  /** Enhanced status code such as `5.1.1`; '' where RFC 2034 §4 forbids one (greeting, EHLO, 354). */
  readonly enhanced: string;
  /** One entry per reply line, without CR, LF or code. */
  readonly lines: readonly string[];
}

/** Builds a reply. Control characters in the text become spaces, so no text can forge a second line. */
export function reply(code: number, enhanced: string, ...lines: string[]): Reply {
  const clean = lines.map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 400));
  return { code, enhanced, lines: clean.length > 0 ? clean : ['OK'] };
}

/** True for 2yz replies. */
export function isPositive(r: Reply): boolean {
  return r.code >= 200 && r.code < 300;
}

/** True for 5yz replies. */
export function isPermanent(r: Reply): boolean {
  return r.code >= 500 && r.code < 600;
}

/** The reply on the wire, CRLF included. */
export function formatReply(r: Reply): string {
  const prefix = r.enhanced === '' ? '' : `${r.enhanced} `;
  const last = r.lines.length - 1;
  return r.lines.map((line, i) => `${r.code}${i === last ? ' ' : '-'}${prefix}${line}\r\n`).join('');
}
