/** An SPF record as a value: its mechanisms in order and its two modifiers (RFC 7208 §4.6, §5, §6, §12). */
import { type IpAddress, parseAddress } from '../names/ip-address.ts';
import { type MacroString, parseDomainSpec, parseMacroString } from './macro.ts';

export type Qualifier = '+' | '-' | '~' | '?';

interface Written {
  readonly qualifier: Qualifier;
  /** As published. */
  readonly text: string;
}
export type Mechanism = Written &
  (
    | { readonly kind: 'all' }
    | { readonly kind: 'include' | 'exists'; readonly domain: MacroString }
    | { readonly kind: 'ptr'; readonly domain: MacroString | undefined }
    | {
        readonly kind: 'a' | 'mx';
        readonly domain: MacroString | undefined;
        readonly prefix4: number;
        readonly prefix6: number;
      }
    | { readonly kind: 'ip'; readonly network: IpAddress; readonly prefix: number }
  );

export interface SpfRecord {
  readonly mechanisms: readonly Mechanism[];
  readonly redirect: { readonly domain: MacroString; readonly text: string } | undefined;
  readonly explanation: MacroString | undefined;
}
/** `fault`: why it is a permerror wherever it is met. */
export type ReadRecord = SpfRecord | { readonly fault: string };

/** Octets of one record: RFC 7208 §3.4 wants 512 at most, some publish 2,000. */
const MOST_OCTETS = 8192;

/** RFC 7208 §4.5: the version is alone or followed by a space. */
export function isSpfRecord(text: string): boolean {
  const start = text.slice(0, 7).toLowerCase();
  return start === 'v=spf1 ' || (start === 'v=spf1' && text.length === 6);
}

export function parseRecord(text: string): ReadRecord {
  if (text.length > MOST_OCTETS) return { fault: 'the record is too long' };
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7e || text.charCodeAt(i) < 0x20)
      return { fault: 'the record has characters that are not ASCII' }; // RFC 7208 §3.1
  const mechanisms: Mechanism[] = [];
  let redirect: SpfRecord['redirect'];
  let explanation: MacroString | undefined;
  for (const term of text.slice(6).split(' ')) {
    if (term === '') continue;
    const nameEnd = endOfName(term);
    if (nameEnd > 0 && term[nameEnd] === '=') {
      const name = term.slice(0, nameEnd).toLowerCase();
      const value = term.slice(nameEnd + 1);
      if (name === 'redirect' || name === 'exp') {
        const domain = parseDomainSpec(value);
        if (domain === undefined) return { fault: `syntax error in ${term}` };
        if ((name === 'exp' ? explanation : redirect) !== undefined)
          return { fault: `${name}= stands there twice` }; // RFC 7208 §6
        if (name === 'exp') explanation = domain;
        else redirect = { domain, text: term };
      } else if (parseMacroString(value, 'domain') === undefined) return { fault: `syntax error in ${term}` };
      continue;
    }
    const mechanism = parseMechanism(term);
    if (mechanism === undefined) return { fault: `syntax error in ${term}` };
    mechanisms.push(mechanism);
  }
  return { mechanisms, redirect, explanation };
}

/** name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), RFC 7208 §12; 0 where there is none. */
function endOfName(term: string): number {
  let at = 0;
  for (; at < term.length; at++) {
    const code = term.charCodeAt(at);
    const alpha = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    const other = (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f || code === 0x2e;
    if (!alpha && (at === 0 || !other)) break;
  }
  return at;
}

function parseMechanism(text: string): Mechanism | undefined {
  const sign = text[0];
  const qualified = sign === '+' || sign === '-' || sign === '~' || sign === '?';
  const written: Written = { qualifier: qualified ? sign : '+', text };
  const term = qualified ? text.slice(1) : text;
  let end = 0;
  while (end < term.length && term[end] !== ':' && term[end] !== '/') end++;
  const name = term.slice(0, end).toLowerCase();
  const rest = term.slice(end);
  switch (name) {
    case 'all':
      return rest === '' ? { ...written, kind: 'all' } : undefined;
    case 'include':
    case 'exists': {
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : undefined;
      return domain === undefined ? undefined : { ...written, kind: name, domain };
    }
    case 'ptr': {
      if (rest === '') return { ...written, kind: 'ptr', domain: undefined };
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : undefined;
      return domain === undefined ? undefined : { ...written, kind: 'ptr', domain };
    }
    case 'a':
    case 'mx': {
      const parts = splitDualPrefix(rest);
      if (parts === undefined) return undefined;
      const { head, prefix4, prefix6 } = parts;
      if (head === '') return { ...written, kind: name, domain: undefined, prefix4, prefix6 };
      const domain = head.startsWith(':') ? parseDomainSpec(head.slice(1)) : undefined;
      return domain === undefined ? undefined : { ...written, kind: name, domain, prefix4, prefix6 };
    }
    case 'ip4':
    case 'ip6': {
      if (!rest.startsWith(':')) return undefined;
      const [address = '', length, ...others] = rest.slice(1).split('/');
      const network = parseAddress(address);
      const octets = name === 'ip4' ? 4 : 16;
      const prefix = length === undefined ? 8 * octets : prefixLength(length, 8 * octets);
      if (network?.length !== octets || prefix === undefined || others.length > 0) return undefined;
      return { ...written, kind: 'ip', network, prefix };
    }
    default:
      return undefined;
  }
}

/** dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ], RFC 7208 §5.3, off the end of a term. */
function splitDualPrefix(
  text: string,
): { readonly head: string; readonly prefix4: number; readonly prefix6: number } | undefined {
  let head = text;
  let prefix4: number | undefined = 32;
  let prefix6: number | undefined = 128;
  let digits = digitsAtEnd(head);
  if (digits !== undefined && head.endsWith(`//${digits}`)) {
    prefix6 = prefixLength(digits, 128);
    head = head.slice(0, -digits.length - 2);
    digits = digitsAtEnd(head);
  }
  if (digits !== undefined && head.endsWith(`/${digits}`)) {
    prefix4 = prefixLength(digits, 32);
    head = head.slice(0, -digits.length - 1);
  }
  return prefix4 === undefined || prefix6 === undefined ? undefined : { head, prefix4, prefix6 };
}

function digitsAtEnd(text: string): string | undefined {
  let at = text.length;
  while (at > 0 && text.charCodeAt(at - 1) >= 0x30 && text.charCodeAt(at - 1) <= 0x39) at--;
  return at === text.length ? undefined : text.slice(at);
}

/** RFC 7208 §12: no zero in front of another digit. */
function prefixLength(digits: string, most: number): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const bits = Number(digits);
  return bits <= most ? bits : undefined;
}
