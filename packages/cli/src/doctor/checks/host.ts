import { isInner } from '@waybill/listener';
import net from 'node:net';
import { addressRecord } from '../../records/publish-list.ts';
import { addressesOf, failure, type Facts, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok, warn } from '../finding.ts';

/** The name under which the world sees this machine. */
export const HOST_CHECKS: readonly Check[] = [
  { id: 'HOST-1', title: 'Name of the mail host', level: 'required', look: hostName },
  { id: 'HOST-2', title: 'Addresses of the mail host', level: 'required', look: hostAddresses },
];

/** Suffixes that no stranger can look up. */
const INNER = ['local', 'localdomain', 'lan', 'internal', 'home', 'svc'];

function hostName({ configuredHost, site }: Facts): Finding {
  if (configuredHost === undefined)
    return cannotTell(
      `The name of the mail host is not known here; \`${site.host}\` was looked at. Say --host, or set WAYBILL_HOSTNAME as for the agents.`,
    );
  const fault = nameFault(configuredHost);
  if (fault === undefined) return ok(`\`${configuredHost}\` is a full name.`);
  return fix(
    `Other servers will see \`${configuredHost}\`: ${fault}.`,
    `Set WAYBILL_HOSTNAME=mail.${site.domain}; this is the machine, your addresses stay @${site.domain}.`,
    { evidence: [`WAYBILL_HOSTNAME=${configuredHost}`] },
  );
}

/** Why a name cannot be a mail host's; undefined where it can. */
export function nameFault(name: string): string | undefined {
  const bare = name.replaceAll('[', '').replaceAll(']', '');
  if (net.isIP(bare) !== 0) return 'an address, not a name';
  if (name.endsWith('.')) return 'the final dot belongs into zone files, not into EHLO';
  const lower = name.toLowerCase();
  if (lower === 'localhost' || lower.startsWith('localhost.')) return 'every machine calls itself that';
  if (/^[0-9a-f]{12}$/.test(lower)) return 'the id of a container, another one after each start';
  const labels = lower.split('.');
  if (labels.length < 2) return 'not a full name: it has no domain';
  if (
    labels.some((label) => !/^[a-z0-9-]{1,63}$/.test(label) || label.startsWith('-') || label.endsWith('-'))
  )
    return 'not a host name: letters, digits and hyphens only (RFC 1123 §2.1)';
  if (INNER.includes(labels.at(-1) ?? '')) return `nobody outside can look up .${labels.at(-1)}`;
  return undefined;
}

function hostAddresses(facts: Facts): Finding {
  const { site, host, addressesGiven } = facts;
  const seen = [host.alias, host.a, host.aaaa];
  const name = site.host;
  const published = addressesOf(host);
  const alias = values(host.alias)[0];
  const publish = site.addresses.map((address) => addressRecord(name, address));
  if (alias !== undefined)
    return fix(
      `\`${name}\` is a CNAME to \`${alias}\`. A mail host needs addresses of its own: an MX must not lead to an alias (RFC 2181 §10.3).`,
      `Replace \`CNAME\` by ${inWords(site.addresses)} for ${name}.`,
      { seen, publish, remove: [{ name, type: 'CNAME', value: alias }] },
    );
  const trouble = failure(host.a);
  if (published.length === 0 && trouble !== undefined)
    return cannotTell(`Nobody could say: ${trouble}.`, { seen });
  if (published.length === 0)
    return fix(
      `\`${name}\` has no address: nobody can reach it.`,
      `Add ${inWords(site.addresses)} for ${name}.`,
      {
        seen,
        publish,
      },
    );
  const evidence = [`${name} has ${published.join(', ')}`];
  if (addressesGiven) {
    const strange = published.filter((address) => !site.addresses.some((own) => sameAddress(own, address)));
    const missing = site.addresses.filter((own) => !published.some((address) => sameAddress(own, address)));
    if (strange.length > 0 || missing.length > 0)
      return fix(
        strange.length > 0
          ? `\`${name}\` leads to ${strange.join(', ')}, which is not this host.`
          : `\`${name}\` lacks ${missing.join(', ')}, an address of this host.`,
        strange.length > 0
          ? `Replace it by ${inWords(site.addresses)} for ${name}.`
          : `Add ${inWords(missing)} for ${name}.`,
        {
          evidence,
          seen,
          publish: publish.filter(({ value }) => missing.includes(value)),
          remove: strange.map((address) => addressRecord(name, address)),
        },
      );
  } else if (published.some(isInner))
    return fix(
      `\`${name}\` leads to ${published.filter(isInner).join(', ')}, which nobody outside can reach.`,
      `Replace it by the public address: \`A\` and the address that the world sees, for ${name}.`,
      { evidence, seen, remove: published.filter(isInner).map((address) => addressRecord(name, address)) },
    );
  const here = facts.hostHere.filter((address) => isLoopback(address) && !published.includes(address));
  if (here.length > 0)
    return warn(
      `This machine itself takes \`${name}\` for ${here.join(', ')}: a line of its hosts file.`,
      `Take ${name} out of /etc/hosts, or give it ${inWords(published)} there.`,
      { evidence: [...evidence, `here it is ${facts.hostHere.join(', ')}`], seen },
    );
  return ok(`\`${name}\` has ${published.join(', ')}.`, { evidence, seen });
}

function inWords(addresses: readonly string[]): string {
  if (addresses.length === 0) return '`A` and the address of this host';
  return addresses.map((address) => `\`${net.isIPv6(address) ? 'AAAA' : 'A'} ${address}\``).join(' and ');
}

export function sameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  if (!net.isIPv6(a) || !net.isIPv6(b)) return false;
  const list = new net.BlockList();
  list.addAddress(a, 'ipv6');
  return list.check(b, 'ipv6');
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
