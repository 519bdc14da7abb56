/**
 * Values of MIME fields: Content-Type and Content-Disposition with their parameters (RFC 2045 §5.1,
 * RFC 2183), parameter continuations (RFC 2231 §3), the transfer encoding (RFC 2045 §6).
 * Linear, never throws; what cannot be read is left out.
 */

/** At most this many parameters of one field are read. */
export const PARAMETERS = 100;

/** Parameters in order; names lower case, a `*` at the end when the value is in RFC 2231 §4 form. */
export type Parameters = readonly (readonly [name: string, value: string])[];

export interface ContentType {
  /** As written. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: Parameters;
}

export interface Disposition {
  readonly disposition: string;
  readonly parameters: Parameters;
}

const NONE: Parameters = [];

/** Null where type or subtype is missing: RFC 2045 §5.2 then takes the default. */
export function parseContentType(value: string): ContentType | null {
  const cursor = new Cursor(value);
  const type = cursor.token();
  if (type === '' || !cursor.take(0x2f)) return null;
  const subtype = cursor.token();
  return subtype === '' ? null : { type, subtype, parameters: readParameters(cursor) };
}

export function parseDisposition(value: string): Disposition | null {
  const cursor = new Cursor(value);
  const disposition = cursor.token();
  return disposition === '' ? null : { disposition, parameters: readParameters(cursor) };
}

/** The first token of a value: the transfer encoding, as written. '' where there is none. */
export function parseToken(value: string): string {
  return new Cursor(value).token();
}

/** Tokens between commas: Content-Language (RFC 3282 §2). */
export function parseTokenList(value: string): string[] {
  const cursor = new Cursor(value);
  const tokens: string[] = [];
  while (!cursor.done && tokens.length < PARAMETERS) {
    const token = cursor.token();
    if (token !== '') tokens.push(token);
    if (!cursor.take(0x2c) && token === '') break;
  }
  return tokens;
}

/** The value of a parameter in plain form, or undefined. */
export function parameter(parameters: Parameters, name: string): string | undefined {
  return parameters.find(([candidate]) => candidate === name)?.[1];
}

function readParameters(cursor: Cursor): Parameters {
  let list: [string, string][] | undefined;
  let split = false;
  while (cursor.skipTo(0x3b) && (list?.length ?? 0) < PARAMETERS) {
    const name = cursor.token().toLowerCase();
    if (name === '' || !cursor.take(0x3d)) continue;
    list ??= [];
    list.push([name, cursor.value()]);
    if (name.includes('*')) split = true;
  }
  if (list === undefined) return NONE;
  return split ? joinContinuations(list) : list;
}

interface Pieces {
  readonly pieces: Map<number, { extended: boolean; value: string }>;
}

/**
 * `name*0`, `name*1*`, … become one parameter (RFC 2231 §3): `name`, or `name*` as soon as one piece
 * is percent-encoded; plain pieces are then encoded likewise. Numbers need not come in order.
 */
function joinContinuations(list: readonly (readonly [string, string])[]): Parameters {
  const joined: [string, string | Pieces][] = [];
  const open = new Map<string, Pieces>();
  for (const [name, value] of list) {
    const extended = name.endsWith('*');
    const bare = extended ? name.slice(0, -1) : name;
    const star = bare.lastIndexOf('*');
    const number = star > 0 ? pieceNumber(bare.slice(star + 1)) : -1;
    if (number === -1) {
      joined.push([name, value]);
      continue;
    }
    const base = bare.slice(0, star);
    let pieces = open.get(base);
    if (pieces === undefined) {
      pieces = { pieces: new Map() };
      open.set(base, pieces);
      joined.push([base, pieces]);
    }
    if (!pieces.pieces.has(number)) pieces.pieces.set(number, { extended, value });
  }
  return joined.map(([name, value]) => (typeof value === 'string' ? [name, value] : joinPieces(name, value)));
}

function joinPieces(name: string, { pieces }: Pieces): [string, string] {
  const inOrder: { extended: boolean; value: string }[] = [];
  // RFC 2231 §3: numbers begin at 0; a gap ends the value.
  for (let n = 0; ; n++) {
    const piece = pieces.get(n);
    if (piece === undefined) break;
    inOrder.push(piece);
  }
  const extended = inOrder.some((piece) => piece.extended);
  if (!extended) return [name, inOrder.map((piece) => piece.value).join('')];
  const text = inOrder.map((piece) => (piece.extended ? piece.value : percentEncode(piece.value))).join('');
  return [`${name}*`, inOrder[0]?.extended === true ? text : `''${text}`];
}

function pieceNumber(text: string): number {
  return text.length > 0 && text.length < 4 && /^\d+$/.test(text) ? Number(text) : -1;
}

function percentEncode(text: string): string {
  return text.replaceAll(
    /[^A-Za-z0-9!#$&+\-.^_`{}|~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** A place in an unfolded value; white space and comments (RFC 5322 §3.2.2) are passed over before each thing. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    this.#skipBlank();
    return this.#at >= this.#text.length;
  }

  /** RFC 2045 §5.1 token; '' where none stands here. */
  token(): string {
    this.#skipBlank();
    const start = this.#at;
    while (this.#at < this.#text.length && isTokenCode(this.#text.charCodeAt(this.#at))) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  take(code: number): boolean {
    this.#skipBlank();
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  /** Moves behind the next `code`, garbage before it dropped; false at the end. */
  skipTo(code: number): boolean {
    this.#skipBlank();
    if (this.#text.charCodeAt(this.#at) !== code) {
      const found = this.#text.indexOf(String.fromCharCode(code), this.#at);
      this.#at = found === -1 ? this.#text.length : found;
    }
    if (this.#at >= this.#text.length) return false;
    this.#at++;
    return true;
  }

  /** A parameter's value: quoted string, or everything up to `;` or a blank (8-bit and specials tolerated). */
  value(): string {
    this.#skipBlank();
    if (this.#text.charCodeAt(this.#at) === 0x22) return this.#quoted();
    const start = this.#at;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x3b || code === 0x20 || code === 0x09 || code === 0x28) break;
      this.#at++;
    }
    return this.#text.slice(start, this.#at);
  }

  #quoted(): string {
    let text = '';
    let from = ++this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        text += this.#text.slice(from, this.#at);
        this.#at++;
        return text;
      }
      if (code === 0x5c && this.#at + 1 < this.#text.length) {
        text += this.#text.slice(from, this.#at);
        from = ++this.#at;
      }
    }
    return text + this.#text.slice(from);
  }

  #skipBlank(): void {
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x28) depth++;
      else if (depth > 0) {
        if (code === 0x29) depth--;
        else if (code === 0x5c) this.#at++;
      } else if (code !== 0x20 && code !== 0x09 && code !== 0x0d && code !== 0x0a) return;
    }
  }
}

/** RFC 2045 §5.1: no controls, blanks or tspecials. 8-bit characters are tolerated. */
function isTokenCode(code: number): boolean {
  if (code <= 0x20 || code === 0x7f) return false;
  switch (code) {
    case 0x22:
    case 0x28:
    case 0x29:
    case 0x2c:
    case 0x2f:
    case 0x3a:
    case 0x3b:
    case 0x3c:
    case 0x3d:
    case 0x3e:
    case 0x3f:
    case 0x40:
    case 0x5b:
    case 0x5c:
    case 0x5d:
      return false;
    default:
      return true;
  }
}
