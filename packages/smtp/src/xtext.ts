/**
 * xtext of RFC 3461 §4: printable ASCII, with `+`, `=` and all else as `+XX`. The decoded text is
 * printable ASCII or (RFC 6533) UTF-8; undefined when it is malformed or would hold a control character.
 */
export function decodeXtext(text: string): string | undefined {
  const octets: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 33 || c > 126 || c === 61) return undefined;
    if (c !== 43) {
      octets.push(c);
      continue;
    }
    const hex = text.slice(i + 1, i + 3);
    // RFC 3461 §4: the digits are upper case.
    if (!/^[0-9A-F]{2}$/.test(hex)) return undefined;
    octets.push(Number.parseInt(hex, 16));
    i += 2;
  }
  const decoded = Buffer.from(octets).toString('utf8');
  return /[\p{Cc}\uFFFD]/u.test(decoded) ? undefined : decoded;
}

/** The text as xtext. */
export function encodeXtext(text: string): string {
  let encoded = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    const plain = octet >= 33 && octet <= 126 && octet !== 43 && octet !== 61;
    encoded += plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
