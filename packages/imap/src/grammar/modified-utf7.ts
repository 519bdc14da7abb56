/** Mailbox names on the wire: the modified UTF-7 of RFC 3501 §5.1.3, both ways. */

/** The wire form of a name; always printable US-ASCII. */
export function encodeModifiedUtf7(name: string): string {
  let wire = '';
  let at = 0;
  while (at < name.length) {
    let end = at;
    while (end < name.length && isPrintable(name.charCodeAt(end))) end += 1;
    if (end > at) wire += name.slice(at, end).replaceAll('&', '&-');
    at = end;
    while (end < name.length && !isPrintable(name.charCodeAt(end))) end += 1;
    if (end > at) wire += `&${shifted(name.slice(at, end))}-`;
    at = end;
  }
  return wire;
}

/**
 * The name that a wire form stands for; null when it is not the one proper wire form of any name: open or
 * superfluous shifts, shifted printable characters (a MUST NOT), half surrogates, control or 8-bit characters.
 */
export function decodeModifiedUtf7(wire: string): string | null {
  const name = decode(wire);
  // RFC 3501 §5.1.3 leaves one proper form per name: what encodes differently is refused.
  return name !== null && name.isWellFormed() && encodeModifiedUtf7(name) === wire ? name : null;
}

function decode(wire: string): string | null {
  let name = '';
  let at = 0;
  while (at < wire.length) {
    const shift = wire.indexOf('&', at);
    if (shift === -1) return name + wire.slice(at);
    name += wire.slice(at, shift);
    const end = wire.indexOf('-', shift + 1);
    if (end === -1) return null;
    if (end === shift + 1) {
      name += '&';
    } else {
      const octets = Buffer.from(wire.slice(shift + 1, end).replaceAll(',', '/'), 'base64');
      if (octets.length === 0 || octets.length % 2 !== 0) return null;
      name += octets.swap16().toString('utf16le');
    }
    at = end + 1;
  }
  return name;
}

function shifted(run: string): string {
  const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
  const padding = base64.indexOf('=');
  return (padding === -1 ? base64 : base64.slice(0, padding)).replaceAll('/', ',');
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}
