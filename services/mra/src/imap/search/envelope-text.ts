/** Texts out of a stored ENVELOPE: what SEARCH FROM, TO, CC, BCC, SUBJECT and the SENT keys look at (RFC 3501 §6.4.4). */
import { decodeWords, foldText } from '@waybill/message';

/** Places in the ENVELOPE list, RFC 3501 §7.4.2. */
export const ENVELOPE_FIELD = { DATE: 0, SUBJECT: 1, FROM: 2, TO: 5, CC: 6, BCC: 7 } as const;

/** Letters, digits and a few signs: such a word stands in the octets as it stands in the text, or not at all. */
export function isPlainWord(needle: string): boolean {
  for (let at = 0; at < needle.length; at += 1) {
    const char = needle[at]!;
    const plain =
      (char >= 'a' && char <= 'z') ||
      (char >= '0' && char <= '9') ||
      char === '.' ||
      char === '-' ||
      char === '_';
    if (!plain) return false;
  }
  return needle !== '';
}

/** True when no field can hold this plain word: no encoded word, no 8-bit octet could hide it. Most messages end here. */
export function cannotHold(envelope: Buffer, needle: string): boolean {
  const wire = envelope.toString('latin1').toLowerCase();
  if (wire.includes(needle) || wire.includes('=?')) return false;
  for (let at = 0; at < wire.length; at += 1) if (wire.charCodeAt(at) > 0x7f) return false;
  return true;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x28;
const CLOSE = 0x29;
const SPACE = 0x20;
const BRACE = 0x7b;
const LF = 0x0a;

type Node = string | null | Node[];

/** Each of the ten fields as folded text; addresses as `name <local@domain>`. Linear in the octets. */
export function envelopeTexts(envelope: Buffer): string[] {
  const root = readList(envelope);
  return root.map((field) => {
    if (field === null) return '';
    if (typeof field === 'string') return foldText(decodeWords(field));
    return foldText(field.map(addressOf).join(', '));
  });
}

function addressOf(node: Node): string {
  if (!Array.isArray(node)) return '';
  const [name, , local, domain] = node;
  const phrase = typeof name === 'string' ? `${decodeWords(name)} ` : '';
  if (typeof local !== 'string') return phrase;
  return typeof domain === 'string' ? `${phrase}<${local}@${domain}>` : `${phrase}${local}`;
}

/** Our own writer made these octets: lists of NIL, quoted strings, literals and lists. Reads with a stack of its own. */
function readList(octets: Buffer): Node[] {
  const root: Node[] = [];
  const stack: Node[][] = [root];
  let at = 0;
  while (at < octets.length) {
    const octet = octets[at]!;
    const here = stack.at(-1)!;
    if (octet === OPEN) {
      const list: Node[] = [];
      here.push(list);
      stack.push(list);
      at += 1;
    } else if (octet === CLOSE) {
      if (stack.length > 1) stack.pop();
      at += 1;
    } else if (octet === SPACE) at += 1;
    else if (octet === QUOTE) {
      const end = closingQuote(octets, at + 1);
      const text = octets.toString('utf8', at + 1, end);
      here.push(text.includes('\\') ? unescape(text) : text);
      at = end + 1;
    } else if (octet === BRACE) {
      const line = octets.indexOf(LF, at);
      const size = Number.parseInt(octets.toString('latin1', at + 1, line), 10);
      here.push(octets.toString('utf8', line + 1, line + 1 + size));
      at = line + 1 + size;
    } else {
      here.push(null);
      at += 3;
    }
  }
  const [envelope] = root;
  return Array.isArray(envelope) ? envelope : [];
}

function closingQuote(octets: Buffer, start: number): number {
  let at = start;
  while (at < octets.length && octets[at] !== QUOTE) at += octets[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, octets.length);
}

function unescape(text: string): string {
  let plain = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    plain += text[at] ?? '';
  }
  return plain;
}
