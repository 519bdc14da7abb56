/** Who wrote it: the addresses that a message says it is from. Pure; whether they are the account's is asked after. */
import { fieldValue, type HeaderField, mailboxes, parseAddressList } from '@waybill/message';
import { formatAddress, normaliseDomain, parseAddressLiteral, type Reply, reply } from '@waybill/smtp';

const NO_FROM = reply(550, '5.6.0', 'The message has no From field'); // RFC 5322 §3.6
const UNREADABLE_FROM = reply(550, '5.6.0', 'The From field holds no readable address');
const TOO_MANY = reply(550, '5.6.0', 'The From field holds too many addresses');
/** As many as auth answers for at a time. */
const MAX_ADDRESSES = 100;

/**
 * Every address of every From field, in the form that auth compares; or why the message is refused. A field that
 * names nobody whom the directory could know is refused rather than let pass unasked.
 */
export function fromAddresses(octets: Buffer, fields: readonly HeaderField[]): readonly string[] | Reply {
  const addresses = new Set<string>();
  let found = false;
  for (const field of fields) {
    if (field.name !== 'from') continue;
    found = true;
    const named = mailboxes(parseAddressList(fieldValue(octets, field)));
    if (named.length === 0) return UNREADABLE_FROM;
    for (const { local, domain } of named) {
      const usual = domain === null ? undefined : (normaliseDomain(domain) ?? parseAddressLiteral(domain));
      if (usual === undefined || local === '') return UNREADABLE_FROM;
      addresses.add(formatAddress({ local, domain: usual }));
      if (addresses.size > MAX_ADDRESSES) return TOO_MANY;
    }
  }
  return found ? [...addresses] : NO_FROM;
}
