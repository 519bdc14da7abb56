/** ENVELOPE as it goes on the IMAP wire (RFC 3501 §7.4.2), from a message's header fields. */
import { type Address, type Group, parseAddressList } from './address-list.ts';
import { type HeaderField, shortValue } from './header.ts';
import { imapString, nstring } from './wire.ts';

const ADDRESS_FIELDS = ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'];

/** The values that ENVELOPE shows, as latin1 characters. */
export interface EnvelopeValues {
  readonly wire: string;
  readonly date: string | null;
  readonly messageId: string | null;
}

/** Reads the fields of one header block; the first of a repeated text field counts, repeated address fields add up. */
export function envelope(buffer: Buffer, fields: readonly HeaderField[]): EnvelopeValues {
  let date: string | null = null;
  let subject: string | null = null;
  let inReplyTo: string | null = null;
  let messageId: string | null = null;
  const lists = new Map<string, (Address | Group)[]>();
  for (const field of fields) {
    switch (field.name) {
      case 'date':
        date ??= oneLine(shortValue(buffer, field));
        break;
      case 'subject':
        subject ??= oneLine(shortValue(buffer, field));
        break;
      case 'in-reply-to':
        inReplyTo ??= oneLine(shortValue(buffer, field));
        break;
      case 'message-id':
        messageId ??= oneLine(shortValue(buffer, field));
        break;
      case 'from':
      case 'sender':
      case 'reply-to':
      case 'to':
      case 'cc':
      case 'bcc': {
        const list = parseAddressList(shortValue(buffer, field));
        const before = lists.get(field.name);
        lists.set(field.name, before === undefined ? list : before.concat(list));
        break;
      }
      default:
    }
  }
  const from = addressWire(lists.get('from'));
  const addresses = ADDRESS_FIELDS.map((name) => {
    if (name === 'from') return from;
    const wire = addressWire(lists.get(name));
    // RFC 3501 §7.4.2: an absent or empty Sender or Reply-To is the From.
    return wire === 'NIL' && (name === 'sender' || name === 'reply-to') ? from : wire;
  });
  const wire = `(${nstring(date)} ${nstring(subject)} ${addresses.join(' ')} ${nstring(inReplyTo)} ${nstring(messageId)})`;
  return { wire, date, messageId };
}

function addressWire(list: readonly (Address | Group)[] | undefined): string {
  if (list === undefined || list.length === 0) return 'NIL';
  let wire = '(';
  for (const item of list) {
    if ('group' in item) {
      // RFC 3501 §7.4.2: a group begins with its name in the mailbox place and ends with all NIL.
      wire += `(NIL NIL ${imapString(item.group)} NIL)`;
      for (const member of item.members) wire += mailboxWire(member);
      wire += '(NIL NIL NIL NIL)';
    } else wire += mailboxWire(item);
  }
  return `${wire})`;
}

/** A NIL mailbox or host would announce a group, so a missing half gets a name that cannot be mistaken. */
function mailboxWire(address: Address): string {
  const name = address.name === null || address.name === '' ? 'NIL' : imapString(oneLine(address.name));
  const local = address.local === '' ? 'MISSING_MAILBOX' : oneLine(address.local);
  const domain = address.domain === null || address.domain === '' ? 'MISSING_DOMAIN' : address.domain;
  return `(${name} ${nstring(address.route)} ${imapString(local)} ${imapString(domain)})`;
}

/** Tabs and runs of blanks, as folding leaves them, become single spaces. */
export function oneLine(text: string): string {
  return text.includes('  ') || text.includes('\t') || text.includes('\r') || text.includes('\n')
    ? text.replaceAll(/[\t\r\n ]+/g, ' ')
    : text;
}
