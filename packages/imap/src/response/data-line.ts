/** Untagged data of RFC 3501 §7.2 and §7.3 and of the extensions served. Each function makes one whole line. */
import type { StatusItem } from '../command.ts';
import { mailboxAstring, quoted } from './string.ts';

/** `* CAPABILITY IMAP4rev1 …`; the names as given, IMAP4rev1 among them (RFC 3501 §7.2.1). */
export function capabilityLine(capabilities: readonly string[]): string {
  return `* CAPABILITY ${capabilities.join(' ')}\r\n`;
}

/** `* LIST (\HasNoChildren \Sent) "/" Sent`, RFC 3501 §7.2.2; attributes in order. */
export function listLine(verb: 'LIST' | 'LSUB', attributes: readonly string[], name: string): string {
  return `* ${verb} (${attributes.join(' ')}) "/" ${mailboxAstring(name)}\r\n`;
}

/** The answer to LIST "" "": the delimiter and the root, RFC 3501 §6.3.8. */
export function delimiterLine(verb: 'LIST' | 'LSUB'): string {
  return `* ${verb} (\\Noselect) "/" ""\r\n`;
}

/** `* STATUS name (MESSAGES 231 UIDNEXT 44292)`, RFC 3501 §7.2.4. */
export function mailboxStatusLine(name: string, items: readonly (readonly [StatusItem, number])[]): string {
  return `* STATUS ${mailboxAstring(name)} (${items.map(([item, value]) => `${item} ${value}`).join(' ')})\r\n`;
}

/** `* 18 EXISTS`, RFC 3501 §7.3.1. */
export function existsLine(count: number): string {
  return `* ${count} EXISTS\r\n`;
}

/** `* 5 RECENT`, RFC 3501 §7.3.2. */
export function recentLine(count: number): string {
  return `* ${count} RECENT\r\n`;
}

/** `* 44 EXPUNGE`, RFC 3501 §7.4.1. */
export function expungeLine(sequence: number): string {
  return `* ${sequence} EXPUNGE\r\n`;
}

/** One personal namespace, the whole of it, delimiter "/": RFC 2342 §5. */
export function namespaceLine(): string {
  return '* NAMESPACE (("" "/")) NIL NIL\r\n';
}

/** `* ID ("name" "Waybill")`, RFC 2971 §3.2. Names and values are printable ASCII. */
export function idLine(fields: readonly (readonly [name: string, value: string])[]): string {
  if (fields.length === 0) return '* ID NIL\r\n';
  return `* ID (${fields.map(([name, value]) => `${quoted(name)} ${quoted(value)}`).join(' ')})\r\n`;
}

/** `* ENABLED …`, RFC 5161 §3.2: what this ENABLE switched on, possibly nothing. */
export function enabledLine(capabilities: readonly string[]): string {
  return `* ${['ENABLED', ...capabilities].join(' ')}\r\n`;
}
