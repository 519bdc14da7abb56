/** Whose mail a message says it is (RFC 9989 §5.3.1). */
import { mailboxes, parseAddressList } from '@waybill/message';
import { domainName } from '../names/domain-name.ts';

export type AuthorDomain = { readonly domain: string } | { readonly fault: string };

/**
 * Exactly one field, and all its authors of one domain: with more, what DMARC says and what a reader sees could
 * be two things.
 */
export function authorDomain(fromFields: readonly string[]): AuthorDomain {
  const [value] = fromFields;
  if (value === undefined) return { fault: 'no From field' };
  if (fromFields.length > 1) return { fault: 'more than one From field' };
  const found = new Set<string>();
  for (const { local, domain } of mailboxes(parseAddressList(asText(value)))) {
    // An author without a domain hides who that is.
    if (domain === null) return { fault: 'an author in From has no domain' };
    const name = local.includes('@') ? undefined : domainName(domain);
    if (name === undefined) return { fault: 'an author in From has no usable domain' };
    found.add(name);
    if (found.size > 1) return { fault: 'more than one domain in From' };
  }
  const [domain] = found;
  return domain === undefined ? { fault: 'no author in From' } : { domain };
}

/** One character per octet, or text: octets beyond ASCII are UTF-8 (RFC 6532 §3.2). */
function asText(value: string): string {
  let high = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0xff) return value;
    if (code > 0x7f) high = true;
  }
  if (!high) return value;
  const decoded = Buffer.from(value, 'latin1').toString('utf8');
  return decoded.includes('�') ? value : decoded;
}
