import net from 'node:net';
import { ptrRecord } from '../../records/publish-list.ts';
import { type Facts, failure, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok } from '../finding.ts';
import { isInner } from '@waybill/listener';
import { sameAddress } from './host.ts';

/** The name that the owner of our address gives to it, and whether it leads back. */
export const PTR_CHECKS: readonly Check[] = [
  { id: 'PTR-1', title: 'Reverse DNS of each address', level: 'required', look: reverse },
];

function reverse(facts: Facts): Finding {
  const { site, pointers } = facts;
  const seen = [...pointers.values()].map(({ pointer }) => pointer);
  if (pointers.size === 0)
    return cannotTell(
      'The addresses of this host are not known: say --address, or publish its A record first.',
    );
  const faults: { readonly address: string; readonly why: string }[] = [];
  const unknown: string[] = [];
  const evidence: string[] = [];
  for (const [address, { pointer, forward }] of pointers) {
    const names = values(pointer);
    const trouble = failure(pointer);
    if (names.length > 0) evidence.push(`${address} PTR ${names.join(', ')}`);
    if (trouble !== undefined) unknown.push(trouble);
    else if (names.length === 0) faults.push({ address, why: `${address} has no name` });
    else if (!names.includes(site.host))
      faults.push({ address, why: `${address} is called \`${names[0]}\`, and EHLO says \`${site.host}\`` });
    else if (names.length > 1)
      faults.push({
        address,
        why: `${address} has ${names.length} names, and receivers take any one of them`,
      });
    else {
      const back = forward.get(site.host);
      if (back === undefined) unknown.push(`addresses of ${site.host}`);
      else if (!back.some((one) => sameAddress(one, address)))
        faults.push({
          address,
          why: `${address} is called \`${site.host}\`, which has ${back.length === 0 ? 'no address' : back.join(', ')} and does not lead back`,
        });
    }
  }
  if (faults.length > 0) {
    const six = faults.some(({ address }) => net.isIPv6(address));
    const inner = faults.some(({ address }) => isInner(address));
    return fix(
      `${faults.map(({ why }) => why).join('; ')}. Many servers refuse or junk mail from such an address.`,
      faults
        .map(
          ({ address }) =>
            `Ask the owner of ${address} (the provider of the server, not of the domain) to set PTR ${site.host}`,
        )
        .join('. ')
        .concat(
          six ? '; until then let the machine send over IPv4 only.' : '.',
          inner
            ? ' An inner address has no owner to ask: say --address with the one that the world sees.'
            : '',
        ),
      { seen, evidence, publish: faults.map(({ address }) => ptrRecord(address, site.host)) },
    );
  }
  if (unknown.length > 0) return cannotTell(`Nobody could say: ${unknown.join('; ')}.`, { seen, evidence });
  return ok(`${[...pointers.keys()].join(', ')}: the name is \`${site.host}\` and leads back.`, {
    seen,
    evidence,
  });
}
