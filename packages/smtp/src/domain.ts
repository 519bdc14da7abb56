import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** RFC 5321 §4.5.3.1.2 */
const MAX_DOMAIN = 255;
/** RFC 1035 §2.3.4 */
const MAX_LABEL = 63;

/**
 * A domain in the form that is compared and looked up: lower case, A-labels (RFC 5890).
 * Undefined when it is no domain of RFC 5321 §4.1.2. A final dot is not part of it.
 */
export function normaliseDomain(text: string): string | undefined {
  if (text.length === 0 || text.length > MAX_DOMAIN) return undefined;
  let ascii = text;
  if (!isAscii(text)) {
    // UTS 46 would read these as an escape or a port: only names may go in.
    if (/[%:/?#@[\]\\\s]/.test(text)) return undefined;
    ascii = domainToASCII(text);
  }
  const lower = ascii.toLowerCase();
  if (lower.length === 0 || lower.length > MAX_DOMAIN) return undefined;
  return lower.split('.').every(isLabel) ? lower : undefined;
}

/** RFC 5321 §4.1.2 sub-domain: letters, digits and inner hyphens. */
function isLabel(label: string): boolean {
  if (label.length === 0 || label.length > MAX_LABEL) return false;
  for (let i = 0; i < label.length; i++) {
    const c = label.charCodeAt(i);
    const letterOrDigit = (c >= 97 && c <= 122) || (c >= 48 && c <= 57);
    if (letterOrDigit) continue;
    if (c !== 45 || i === 0 || i === label.length - 1) return false;
  }
  return true;
}

/**
 * An address literal with its brackets, RFC 5321 §4.1.3, in one form: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
 * Undefined for anything else; no other kind of literal has been registered.
 */
export function parseAddressLiteral(text: string): string | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined;
  const inner = text.slice(1, -1);
  if (isIPv4(inner)) return text;
  if (inner.slice(0, 5).toLowerCase() !== 'ipv6:') return undefined;
  const address = inner.slice(5);
  return isIPv6(address) && !address.includes('%') ? `[IPv6:${address.toLowerCase()}]` : undefined;
}

/** Whether every character is US-ASCII. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
