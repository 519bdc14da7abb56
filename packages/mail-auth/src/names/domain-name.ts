/** Domain names as the checks compare and ask for them: lower case, A-labels, without the dot at the end. */
import { domainToASCII } from 'node:url';

/** RFC 1035 §2.3.4. */
const MOST_OCTETS = 253;
const MOST_OF_LABEL = 63;

/** A name as it is looked up; undefined for what cannot be one (a literal, an empty or too long label). */
export function domainName(text: string): string | undefined {
  let name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (!isAscii(name)) name = domainToASCII(name); // RFC 8616 §3: U-labels are asked for as A-labels
  name = name.toLowerCase();
  return isName(name) ? name : undefined;
}

/** Whether DNS can be asked for it: spaces and printable ASCII, labels of 1 to 63 octets, 253 in all. */
export function isAskable(name: string): boolean {
  return labelsFit(name, (code) => code >= 0x20 && code < 0x7f);
}

/** Letters, digits, `-` and `_`: what domains of mail are made of. */
function isName(name: string): boolean {
  return labelsFit(name, isNameCode);
}

function isNameCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x5f ||
    (code >= 0x41 && code <= 0x5a)
  );
}

function labelsFit(name: string, allows: (code: number) => boolean): boolean {
  if (name.length === 0 || name.length > MOST_OCTETS) return false;
  let label = 0;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === 0x2e) {
      if (label === 0) return false;
      label = 0;
    } else if (!allows(code) || ++label > MOST_OF_LABEL) return false;
  }
  return label > 0;
}

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether `name` is `domain` or lies below it; both as domainName() gives them. */
export function isAtOrBelow(name: string, domain: string): boolean {
  return name === domain || (name.length > domain.length && name.endsWith(`.${domain}`));
}
