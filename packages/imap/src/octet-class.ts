/** Which octets may stand where: the character classes of RFC 3501 §9 as one table of bits. */

export const OCTET = {
  nul: 0x00,
  lf: 0x0a,
  cr: 0x0d,
  space: 0x20,
  quote: 0x22,
  dollar: 0x24,
  open: 0x28,
  close: 0x29,
  star: 0x2a,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  colon: 0x3a,
  less: 0x3c,
  greater: 0x3e,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  tilde: 0x7e,
} as const;

/** RFC 3501 §9 ATOM-CHAR. */
export const ATOM = 1;
/** ASTRING-CHAR: ATOM-CHAR and "]". */
export const ASTRING = 2;
/** list-char: ASTRING-CHAR and the wildcards. */
export const LIST_CHAR = 4;
/** tag: ASTRING-CHAR without "+". */
export const TAG = 8;
export const DIGIT = 16;
/** base64-char and its padding. */
export const BASE64 = 32;
/** Names of FETCH items and sections: letters, digits and ".". */
export const ITEM_NAME = 64;

const ATOM_SPECIALS = '(){ %*"\\]';

function buildTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let octet = 0x21; octet < 0x7f; octet += 1) {
    const char = String.fromCharCode(octet);
    let bits = 0;
    if (!ATOM_SPECIALS.includes(char)) bits |= ATOM | ASTRING | LIST_CHAR | TAG;
    if (char === ']') bits |= ASTRING | LIST_CHAR | TAG;
    if (char === '%' || char === '*') bits |= LIST_CHAR;
    if (char === '+') bits &= ~TAG;
    const digit = char >= '0' && char <= '9';
    const letter = (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z');
    if (digit) bits |= DIGIT;
    if (digit || letter || char === '+' || char === '/' || char === '=') bits |= BASE64;
    if (digit || letter || char === '.') bits |= ITEM_NAME;
    table[octet] = bits;
  }
  return table;
}

const TABLE = buildTable();

/** True when the octet belongs to one of the classes. */
export function isOctet(octet: number, classes: number): boolean {
  return ((TABLE[octet] ?? 0) & classes) !== 0;
}
