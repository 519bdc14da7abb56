/** Does the address's name lead back to the address? RFC 8601 §3 (iprev), RFC 1912 §2.1. */
import type { Iprev, Names } from './contract.ts';
import { domainName } from './names/domain-name.ts';
import { readAddress, reverseName, samePrefix } from './names/ip-address.ts';

/** Names of one address that are followed back, as in RFC 7208 §4.6.4; the rest is ignored. */
const MOST_NAMES = 10;

/** Never rejects. */
export async function checkIprev(names: Names, text: string): Promise<Iprev> {
  const address = readAddress(text);
  if (address === undefined) return iprev('permerror', undefined, 'no IP address');
  const pointers = await names.lookup(reverseName(address), 'PTR');
  if (pointers.kind === 'try-later') return iprev('temperror', undefined, pointers.cause);
  if (pointers.kind !== 'found') return iprev('fail', undefined, 'the address has no name');
  const named = [...new Set(pointers.records.map((name) => domainName(name) ?? ''))]
    .filter((name) => name !== '')
    .slice(0, MOST_NAMES);
  let trouble: string | undefined;
  for (const name of named) {
    // nearly always there is one name
    const addresses = await names.lookup(name, address.length === 4 ? 'A' : 'AAAA');
    if (addresses.kind === 'try-later') trouble ??= addresses.cause;
    if (addresses.kind !== 'found') continue;
    for (const one of addresses.records) {
      const octets = readAddress(one);
      if (octets !== undefined && samePrefix(octets, address, 8 * address.length))
        return iprev('pass', name, 'the name leads back to the address');
    }
  }
  const [first] = named;
  if (trouble !== undefined) return iprev('temperror', first, trouble);
  return first === undefined
    ? iprev('fail', undefined, 'the address has no usable name')
    : iprev('fail', first, `${first} does not lead back to the address`);
}

function iprev(result: Iprev['result'], name: string | undefined, comment: string): Iprev {
  return { result, name, comment };
}
