/**
 * Whom a message says it is from: its authors, who sent it for them, who sent it again. Pure; whether the addresses
 * are the account's is asked after. What could be read in two ways is refused: a reader may read it the other way.
 */
import { type Address, fieldValue, type HeaderField, mailboxes, parseAddressList } from '@waybill/message';
import { formatAddress, normaliseDomain, parseAddressLiteral, type Reply, reply } from '@waybill/smtp';

export interface Senders {
  /** Every address that the account must own, in the form that auth compares, none twice. */
  readonly addresses: readonly string[];
  /** The first From address. */
  readonly author: string;
  /** Several authors and nobody who sent it for them: RFC 5322 §3.6.2 wants a Sender field then. */
  readonly lacksSender: boolean;
}

/** What each field may say; all of it must be the account's. */
interface Rule {
  readonly label: string;
  /** RFC 5322 §3.6: how often the field may stand; each time that a message is sent again brings its own. */
  readonly once: boolean;
  /** RFC 5322 §3.6.2, §3.6.6: a list of mailboxes, or exactly one. */
  readonly single: boolean;
}
const RULES: ReadonlyMap<string, Rule> = new Map([
  ['from', { label: 'From', once: true, single: false }],
  ['sender', { label: 'Sender', once: true, single: true }],
  ['resent-from', { label: 'Resent-From', once: false, single: false }],
  ['resent-sender', { label: 'Resent-Sender', once: false, single: true }],
]);

const NO_FROM = fault('The message has no From field'); // RFC 5322 §3.6
const TOO_MANY = fault('The message says it is from too many addresses');
/** As many as auth answers for at a time. */
const MAX_ADDRESSES = 100;

/** Whom the message is from; or why it is refused: 550 5.6.0. */
export function sendersOf(octets: Buffer, fields: readonly HeaderField[]): Senders | Reply {
  const addresses = new Set<string>();
  const seen = new Set<string>();
  let author: string | undefined;
  let authors = 0;
  for (const field of fields) {
    const rule = RULES.get(field.name);
    if (rule === undefined) continue;
    if (rule.once && seen.has(field.name)) return fault(`The message has more than one ${rule.label} field`);
    seen.add(field.name);
    // RFC 6854: groups may stand in From and Sender; their members are meant.
    const named = mailboxes(parseAddressList(fieldValue(octets, field)));
    if (named.length === 0) return unreadable(rule);
    if (rule.single && named.length > 1) return fault(`The ${rule.label} field holds more than one address`);
    for (const one of named) {
      const address = usualForm(one);
      if (address === undefined) return unreadable(rule);
      addresses.add(address);
      if (addresses.size > MAX_ADDRESSES) return TOO_MANY;
      if (field.name === 'from') author ??= address;
    }
    if (field.name === 'from') authors = named.length;
  }
  if (author === undefined) return NO_FROM;
  return { addresses: [...addresses], author, lacksSender: authors > 1 && !seen.has('sender') };
}

/** The address as auth compares it; undefined for what the directory could not know. */
function usualForm({ local, domain, route }: Address): string | undefined {
  // RFC 5322 §4.4: a route is to be passed over, and not everybody does.
  if (local === '' || domain === null || route !== null) return undefined;
  const usual = normaliseDomain(domain) ?? parseAddressLiteral(domain);
  return usual === undefined ? undefined : formatAddress({ local, domain: usual });
}

function unreadable({ label }: Rule): Reply {
  return fault(`The ${label} field holds no readable address`);
}

function fault(text: string): Reply {
  return reply(550, '5.6.0', text);
}
