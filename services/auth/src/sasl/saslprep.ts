/**
 * Names and passwords as SASL compares them: RFC 4013 with the tables of RFC 3454 said as properties
 * of Unicode. Character classes only: linear in what comes.
 */
const NON_ASCII_SPACE = inClass('\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000', 'gu'); // C.1.2
const TO_NOTHING = inClass('\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff', 'gu'); // B.1
const PROHIBITED = inClass(
  [
    '\\p{Cc}', // C.2.1 and C.2.2, controls
    '\\u06dd\\u070f\\u180e\\u200c\\u200d\\u2028\\u2029\\u2060-\\u2063\\u206a-\\u206f\\ufeff\\ufff9-\\ufffc\\u{1d173}-\\u{1d17a}',
    '\\p{Co}\\p{Cs}\\p{Noncharacter_Code_Point}', // C.3, C.5, C.4
    '\\ufffd', // C.6
    '\\u2ff0-\\u2ffb', // C.7
    '\\u0340\\u0341\\u200e\\u200f\\u202a-\\u202e', // C.8
    '\\u{e0001}\\u{e0020}-\\u{e007f}', // C.9
  ].join(''),
  'u',
);
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const ENDS_RIGHT_TO_LEFT = new RegExp(`^${RIGHT_TO_LEFT.source}(?:[^]*${RIGHT_TO_LEFT.source})?$`, 'u');
const LEFT_TO_RIGHT =
  /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** @returns undefined for what the profile prohibits */
export function saslprep(text: string): string | undefined {
  if (isPlain(text)) return text;
  const mapped = text.replace(TO_NOTHING, '').replace(NON_ASCII_SPACE, ' ').normalize('NFKC');
  if (PROHIBITED.test(mapped)) return undefined;
  if (RIGHT_TO_LEFT.test(mapped)) {
    // RFC 3454 §6: no mixture, and both ends are right to left.
    if (LEFT_TO_RIGHT.test(mapped)) return undefined;
    if (!ENDS_RIGHT_TO_LEFT.test(mapped)) return undefined;
  }
  return mapped;
}

/** Printable ASCII stands for itself. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/** A class of characters, said as ranges of code points: some of them combine with their neighbours in a literal. */
function inClass(ranges: string, flags: string): RegExp {
  return new RegExp(`[${ranges}]`, flags);
}
