/** Macro strings of SPF (RFC 7208 §7): read once into pieces, expanded for a sender. */

/** What a macro letter stands for just now. `p` asks DNS, and only where it is used. */
export interface MacroValues {
  value(letter: string): string;
  validatedName(): Promise<string>;
}

interface Macro {
  readonly letter: string;
  /** Labels kept from the right; undefined for all. */
  readonly keep: number | undefined;
  readonly reverse: boolean;
  readonly delimiters: string;
  readonly escape: boolean;
}
export type MacroString = readonly (string | Macro)[];

const DELIMITERS = '.-+,/_=';
const DOMAIN_LETTERS = 'slodiphv';
const EXPLANATION_LETTERS = 'slodiphvcrt';

/** A name for a look-up. Labels go from the left until it fits (RFC 7208 §7.3). */
const MOST_OF_NAME = 253;

/** @returns undefined for what RFC 7208 §7.1 does not allow */
export function parseMacroString(text: string, where: 'domain' | 'explanation'): MacroString | undefined {
  const letters = where === 'domain' ? DOMAIN_LETTERS : EXPLANATION_LETTERS;
  const pieces: (string | Macro)[] = [];
  let at = 0;
  while (at < text.length) {
    const percent = text.indexOf('%', at);
    const literal = text.slice(at, percent === -1 ? text.length : percent);
    if (literal !== '') {
      if (where === 'domain' && !isVisible(literal)) return undefined;
      pieces.push(literal);
    }
    if (percent === -1) break;
    const next = text[percent + 1];
    at = percent + 2;
    if (next === '%') pieces.push('%');
    else if (next === '_') pieces.push(' ');
    else if (next === '-') pieces.push('%20');
    else if (next === '{') {
      const close = text.indexOf('}', at);
      const macro = close === -1 ? undefined : parseMacro(text.slice(at, close), letters);
      if (macro === undefined) return undefined;
      pieces.push(macro);
      at = close + 1;
    } else return undefined;
  }
  return pieces;
}

function parseMacro(text: string, letters: string): Macro | undefined {
  const letter = text[0]?.toLowerCase() ?? '';
  if (letter === '' || !letters.includes(letter)) return undefined;
  let at = 1;
  while (isDigit(text.charCodeAt(at))) at++;
  const digits = text.slice(1, at);
  const keep = digits === '' ? undefined : Number(digits);
  if (keep === 0) return undefined; // RFC 7208 §7.1: DIGIT must be nonzero
  const reverse = text[at]?.toLowerCase() === 'r';
  if (reverse) at++;
  const delimiters = text.slice(at);
  for (const one of delimiters) if (!DELIMITERS.includes(one)) return undefined;
  return {
    letter,
    keep,
    reverse,
    delimiters: delimiters === '' ? '.' : delimiters,
    escape: text[0] !== letter,
  };
}

/**
 * A domain-spec (RFC 7208 §7.1): a macro string that ends with a macro, or with a dot and a label that a
 * top-level domain can have.
 */
export function parseDomainSpec(text: string): MacroString | undefined {
  const pieces = parseMacroString(text, 'domain');
  const last = pieces?.at(-1);
  if (pieces === undefined || last === undefined) return undefined;
  if (typeof last !== 'string' || endsWithEscape(text)) return pieces;
  const name = last.endsWith('.') ? last.slice(0, -1) : last;
  const dot = name.lastIndexOf('.');
  return dot !== -1 && isTopLabel(name.slice(dot + 1)) ? pieces : undefined;
}

function endsWithEscape(text: string): boolean {
  const end = text.slice(-2);
  return end === '%_' || end === '%-' || (end === '%%' && !text.endsWith('%%%'));
}

function isTopLabel(label: string): boolean {
  if (label === '' || label.startsWith('-') || label.endsWith('-')) return false;
  let named = false;
  for (let i = 0; i < label.length; i++) {
    const code = label.charCodeAt(i);
    const alpha = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (alpha || code === 0x2d) named = true;
    else if (!isDigit(code)) return false;
  }
  return named;
}

/** Whether it is the same for every sender. */
export function isFixed(text: MacroString): boolean {
  return text.every((piece) => typeof piece === 'string' || piece.letter === 'd');
}

export async function expand(text: MacroString, values: MacroValues): Promise<string> {
  const [first] = text;
  if (text.length === 1 && typeof first === 'string') return first;
  let out = '';
  for (const piece of text) {
    if (typeof piece === 'string') out += piece;
    else {
      const value = piece.letter === 'p' ? await values.validatedName() : values.value(piece.letter);
      out += transformed(value, piece);
    }
  }
  return out;
}

/** An expanded domain-spec as a name. */
export async function expandName(text: MacroString, values: MacroValues): Promise<string> {
  let name = await expand(text, values);
  if (name.endsWith('.')) name = name.slice(0, -1);
  while (name.length > MOST_OF_NAME) {
    const dot = name.indexOf('.');
    if (dot === -1) return name;
    name = name.slice(dot + 1);
  }
  return name.toLowerCase();
}

function transformed(value: string, { keep, reverse, delimiters, escape }: Macro): string {
  let text = value;
  if (keep !== undefined || reverse || delimiters !== '.') {
    let parts = split(value, delimiters);
    if (reverse) parts.reverse();
    if (keep !== undefined && keep < parts.length) parts = parts.slice(parts.length - keep);
    text = parts.join('.');
  }
  return escape ? escaped(text) : text;
}

function split(value: string, delimiters: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < value.length; i++) {
    if (!delimiters.includes(value[i] as string)) continue;
    parts.push(value.slice(from, i));
    from = i + 1;
  }
  parts.push(value.slice(from));
  return parts;
}

/** RFC 7208 §7.3: all but the unreserved characters of RFC 3986 §2.3. */
function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return true;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
