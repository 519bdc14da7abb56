/** What was found out, as a header field (RFC 8601): folded, one result a line, strangers' words made harmless. */
import type { Dkim, Dmarc, Iprev, SenderFacts, Spf } from '../contract.ts';
import { domainName } from '../names/domain-name.ts';

/** The client's address where it is known: without it nothing is said of its name. */
export type ResultFacts = SenderFacts & { readonly address?: string | undefined };

export interface Identities {
  /** MAIL FROM, whole; '' for the null sender. */
  readonly sender: string;
  readonly helo: string;
}

/** Octets of one value and of one comment; lines stay far below 998 (RFC 5322 §2.1.1). */
const MOST_OF_VALUE = 320;
const MOST_OF_COMMENT = 160;
/** Signatures that are told of. */
const MOST_SIGNATURES = 10;

/**
 * One whole Authentication-Results field, CRLF at its end.
 * @param authservId our name in these fields: the host name
 */
export function authenticationResults(
  authservId: string,
  facts: ResultFacts,
  { sender, helo }: Identities,
): string {
  const results = [
    ...(facts.address === undefined ? [] : [iprevResult(facts.iprev, facts.address)]),
    spfResult(facts.helo, 'smtp.helo', helo),
    // RFC 7208 §2.4: for the null sender there is nothing but HELO
    ...(sender === '' ? [] : [spfResult(facts.spf, 'smtp.mailfrom', sender)]),
    ...dkimResults(facts.dkim),
    dmarcResult(facts.dmarc),
  ];
  return `Authentication-Results: ${value(authservId)};\r\n\t${results.join(';\r\n\t')}\r\n`;
}

function iprevResult({ result, name, comment: said }: Iprev, address: string): string {
  const told = result === 'pass' && name !== undefined ? name : said;
  return `iprev=${result}${comment(told)} policy.iprev=${value(address)}`;
}

function spfResult({ result, comment: said }: Spf, property: string, identity: string): string {
  return `spf=${result}${result === 'pass' ? '' : comment(said)} ${property}=${mailValue(identity)}`;
}

function dkimResults(dkim: readonly Dkim[]): string[] {
  if (dkim.length === 0) return ['dkim=none'];
  // Those that pass are told first where there are too many.
  const told =
    dkim.length <= MOST_SIGNATURES
      ? dkim
      : [
          ...dkim.filter(({ result }) => result === 'pass'),
          ...dkim.filter(({ result }) => result !== 'pass'),
        ];
  return told.slice(0, MOST_SIGNATURES).map((one) => {
    const said = one.testing ? `${one.comment}; the key is marked t=y` : one.comment;
    return (
      `dkim=${one.result}${one.result === 'pass' && !one.testing ? '' : comment(said)}` +
      property('header.d', one.domain) +
      property('header.s', one.selector) +
      property('header.a', one.algorithm) +
      property('header.b', one.signature ?? '')
    );
  });
}

function dmarcResult({ result, from, policy, comment: said }: Dmarc): string {
  return (
    `dmarc=${result}${result === 'pass' ? '' : comment(said)}` +
    property('header.from', from ?? '') +
    // RFC 9989 §9.1: what the owner asks for, all options weighed
    property('policy.dmarc', policy ?? '')
  );
}

function property(name: string, text: string): string {
  return text === '' ? '' : ` ${name}=${value(text)}`;
}

/** A comment (RFC 5322 §3.2.2) of printable ASCII, with nothing in it that could end it. */
function comment(text: string): string {
  const plain = printable(text, MOST_OF_COMMENT).replaceAll(/[()\\]/g, "'");
  return plain === '' ? '' : ` (${plain})`;
}

/** RFC 8601 §2.2: an address stands as it is where its parts are dot-atoms, else it is quoted. */
function mailValue(text: string): string {
  const at = text.lastIndexOf('@');
  if (at === -1) return value(text);
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)];
  const name = domainName(domain);
  return name !== undefined && local.length <= 64 && isDotAtom(local)
    ? `${local}@${name}`
    : value(name === undefined ? text : `${local}@${name}`);
}

/** RFC 8601 §2.2, RFC 2045 §5.1: a token, or a quoted string. Nothing but printable ASCII goes in. */
function value(text: string): string {
  const plain = printable(text, MOST_OF_VALUE);
  if (plain !== '' && isToken(plain)) return plain;
  return `"${plain.replaceAll(/["\\]/g, (one) => `\\${one}`)}"`;
}

function printable(text: string, most: number): string {
  return text.slice(0, most).replaceAll(/[^\x20-\x7e]/g, '?');
}

function isToken(text: string): boolean {
  return every(text, (code) => code > 0x20 && code < 0x7f && !TSPECIALS.has(code));
}

const TSPECIALS = codes('()<>@,;:\\"/[]?=');
const ATOM = codes("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~");

/** dot-atom-text (RFC 5322 §3.2.3), ASCII. */
function isDotAtom(text: string): boolean {
  return text.split('.').every((part) => part !== '' && every(part, (code) => ATOM.has(code)));
}

function codes(text: string): ReadonlySet<number> {
  return new Set(Buffer.from(text));
}

function every(text: string, allows: (code: number) => boolean): boolean {
  for (let i = 0; i < text.length; i++) if (!allows(text.charCodeAt(i))) return false;
  return true;
}
