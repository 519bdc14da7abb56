import fs from 'node:fs';
import net from 'node:net';
import type { Inquiry } from '@waybill/dns/inspect';
import type { Keys } from '../records/dkim-keys.ts';
import { dkimName, type Site } from '../records/publish-list.ts';
import { reverseName } from '../records/record.ts';
import type { Place as OpsPlace } from '../status/find-replicas.ts';
import { exists } from './checks/zone.ts';
import { isOurs, targetFault } from './checks/mx.ts';
import { consentName, isDmarc, isElsewhere, readDmarc } from './dmarc-text.ts';
import {
  addressesOf,
  type DoorVisit,
  type Facts,
  type NameFacts,
  type NetworkFacts,
  type PointerFacts,
  type ServiceFacts,
  type SpfFacts,
  type SpfReading,
  type TextFacts,
  values,
} from './facts.ts';
import { lostAddresses } from './network/lost-address.ts';
import { portHolders } from './network/port-holders.ts';
import { call, type Place, visit, VISIT_DEFAULTS } from './network/visit.ts';
import { isSpf } from './spf-text.ts';

/** What a record says of our addresses, by RFC 7208. */
export type SpfReader = (name: string, host: string, addresses: readonly string[]) => Promise<SpfReading>;

export interface Surroundings {
  readonly inquiry: Inquiry;
  readonly keys: () => Promise<Keys>;
  readonly readSpf: SpfReader;
  readonly place: Place;
  /** No connection to any mail host is made when false. */
  readonly network: boolean;
  /** A domain or host whose port 25 may be called. */
  readonly outbound: string | undefined;
  readonly ops: () => Promise<readonly OpsPlace[]>;
  /** Where this machine's /proc is. */
  readonly proc: string;
}

/** Addresses of one mail host that are visited. */
const MAX_VISITS = 4;

/**
 * Everything that the checks look at. `site.addresses` may be empty: then they are what the DNS says of the host.
 * @returns undefined when the domain does not exist
 */
export async function gather(
  asked: Site,
  configuredHost: string | undefined,
  around: Surroundings,
): Promise<Facts | undefined> {
  const { inquiry } = around;
  const { domain } = asked;
  const [mx, domainTexts, apexAlias, zone] = await Promise.all([
    inquiry.see(domain, 'MX'),
    inquiry.see(domain, 'TXT'),
    inquiry.see(domain, 'CNAME'),
    inquiry.zoneOf(domain),
  ]);
  if (!exists({ mx, domainTexts })) return undefined;
  const host = await nameFacts(inquiry, asked.host);
  const site = asked.addresses.length > 0 ? asked : { ...asked, addresses: addressesOf(host) };
  const names = [...new Set(values(mx).map(({ exchange }) => exchange))].filter(
    (name) => name !== '' && targetFault(name, domain) === undefined,
  );
  const [targets, keys, dmarc, spf, pointers, services] = await Promise.all([
    Promise.all(names.map((name) => nameFacts(inquiry, name))),
    around.keys(),
    textFacts(inquiry, `_dmarc.${domain}`, domain),
    Promise.all(
      (site.host === domain ? [domain] : [domain, site.host]).map((name) =>
        spfFacts(inquiry, around.readSpf, name, site),
      ),
    ),
    Promise.all(site.addresses.map(async (one) => [one, await pointerFacts(inquiry, one)] as const)),
    Promise.all(
      site.services.map(
        async ({ label }) => [label, await serviceFacts(inquiry, `${label}._tcp.${domain}`)] as const,
      ),
    ),
  ]);
  const byName = new Map(targets.map((target) => [target.name, target]));
  const [dkim, authorisations, dmarcAbove, network] = await Promise.all([
    dkimFacts(inquiry, domain, keys),
    consents(inquiry, domain, dmarc),
    values(dmarc.texts).length > 0 ? undefined : inheritedDmarc(inquiry, domain),
    networkFacts(site, byName.size > 0 ? targets : [host], around),
  ]);
  return {
    site,
    configuredHost,
    addressesGiven: asked.addresses.length > 0,
    zone,
    apexAlias,
    host,
    hostHere: inHostsFile(readHostsFile(), site.host),
    mx,
    targets: byName,
    pointers: new Map(pointers),
    spf,
    keys,
    dkim,
    dmarc,
    dmarcAbove,
    domainTexts,
    authorisations,
    services: new Map(services),
    network,
  };
}

async function nameFacts(inquiry: Inquiry, name: string): Promise<NameFacts> {
  const [alias, a, aaaa] = await Promise.all([
    inquiry.see(name, 'CNAME'),
    inquiry.see(name, 'A'),
    inquiry.see(name, 'AAAA'),
  ]);
  return { name, alias, a, aaaa };
}

async function textFacts(inquiry: Inquiry, name: string, domain: string): Promise<TextFacts> {
  const texts = await inquiry.see(name, 'TXT');
  const missing = texts.answer.kind === 'none' || texts.answer.kind === 'nxdomain';
  return { texts, doubled: missing ? await inquiry.see(`${name}.${domain}`, 'TXT') : undefined };
}

async function spfFacts(inquiry: Inquiry, read: SpfReader, name: string, site: Site): Promise<SpfFacts> {
  const texts = await inquiry.see(name, 'TXT');
  const records = values(texts).filter((strings) => isSpf(strings.join('')));
  return {
    name,
    texts,
    reading: records.length === 1 ? await read(name, site.host, site.addresses) : undefined,
  };
}

async function pointerFacts(inquiry: Inquiry, address: string): Promise<PointerFacts> {
  const pointer = await inquiry.see(reverseName(address), 'PTR');
  const forward = await Promise.all(
    values(pointer)
      .slice(0, 5)
      .map(async (name) => {
        const seen = await inquiry.see(name, net.isIPv6(address) ? 'AAAA' : 'A');
        return [name, seen.answer.kind === 'failed' ? undefined : values(seen)] as const;
      }),
  );
  return { pointer, forward: new Map(forward) };
}

async function serviceFacts(inquiry: Inquiry, name: string): Promise<ServiceFacts> {
  const records = await inquiry.see(name, 'SRV');
  const targets = [...new Set(values(records).map(({ target }) => target))].filter((target) => target !== '');
  const aliases = await Promise.all(
    targets.map(async (target) => [target, await inquiry.see(target, 'CNAME')] as const),
  );
  return { records, aliases: new Map(aliases) };
}

async function dkimFacts(inquiry: Inquiry, domain: string, keys: Keys): Promise<Facts['dkim']> {
  if (keys.kind !== 'known') return new Map();
  return new Map(
    await Promise.all(
      keys.keys.map(
        async ({ selector }) =>
          [selector, await textFacts(inquiry, dkimName(domain, selector), domain)] as const,
      ),
    ),
  );
}

/** Asks only those outside of our own organisation: neither above nor below us, nor in one zone with us. */
async function consents(
  inquiry: Inquiry,
  domain: string,
  { texts }: TextFacts,
): Promise<Facts['authorisations']> {
  const text = values(texts)
    .map((strings) => strings.join(''))
    .find(isDmarc);
  const named = text === undefined ? [] : readDmarc(text).reportDomains;
  const asked = await Promise.all(
    named
      .filter((one) => isElsewhere(domain, one))
      .map(async (one) => {
        const zone = (await inquiry.zoneOf(one))?.origin ?? '';
        if (zone.includes('.') && domain.endsWith(`.${zone}`)) return [];
        return [[one, await inquiry.see(consentName(domain, one), 'TXT')] as const];
      }),
  );
  return new Map(asked.flat());
}

/** The record that counts for a domain without one, RFC 9989 §4.10: of a name above, the nearest first. */
async function inheritedDmarc(inquiry: Inquiry, domain: string): Promise<Facts['dmarcAbove']> {
  const labels = domain.split('.');
  for (let from = 1; from < labels.length - 1; from++) {
    const above = labels.slice(from).join('.');
    // The nearest counts: one after the other.
    const texts = values(await inquiry.see(`_dmarc.${above}`, 'TXT')).map((strings) => strings.join(''));
    const text = texts.find(isDmarc);
    if (text !== undefined) return { domain: above, text };
  }
  return undefined;
}

/** Empty where there is none. */
function readHostsFile(): string {
  try {
    return fs.readFileSync('/etc/hosts', 'utf8');
  } catch {
    return '';
  }
}

/** The addresses that a hosts file gives to a name. */
export function inHostsFile(text: string, name: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    return names.some((one) => one.toLowerCase() === name) ? [address] : [];
  });
}

async function networkFacts(
  site: Site,
  targets: readonly NameFacts[],
  around: Surroundings,
): Promise<NetworkFacts> {
  const unasked = { kind: 'unknown', cause: 'no connections were wanted' } as const;
  if (!around.network)
    return {
      doors: [],
      notVisited: unasked.cause,
      outbound: undefined,
      lost: unasked,
      holders: await portHolders(around.proc, () => Promise.resolve(undefined)),
    };
  const options = { ...VISIT_DEFAULTS, place: around.place };
  const places = targets.flatMap((target) =>
    addressesOf(target)
      .slice(0, MAX_VISITS)
      .map((address) => ({ host: target.name, address, ours: isOurs(target, { site }) })),
  );
  const [doors, outbound, lost, holders] = await Promise.all([
    Promise.all(places.map((one): Promise<DoorVisit> => visit(one, site.domain, options))),
    around.outbound === undefined ? undefined : callOutside(around.inquiry, around.outbound, options),
    around
      .ops()
      .then(
        lostAddresses,
        (error: unknown) => ({ kind: 'unknown', cause: (error as Error).message }) as const,
      ),
    portHolders(around.proc),
  ]);
  return {
    doors,
    notVisited: places.length === 0 ? 'none has an address' : undefined,
    outbound,
    lost,
    holders,
  };
}

/** Port 25 of a domain's first mail host, or of the name itself. */
async function callOutside(
  inquiry: Inquiry,
  name: string,
  options: Parameters<typeof call>[3],
): Promise<NetworkFacts['outbound']> {
  const mx = values(await inquiry.see(name, 'MX')).toSorted((a, b) => a.preference - b.preference);
  const host = mx[0]?.exchange ?? name;
  const [address] = net.isIP(host) === 0 ? values(await inquiry.see(host, 'A')) : [host];
  if (address === undefined)
    return { place: `${host} port 25`, outcome: 'unreachable', transcript: [`-- ${host} has no address`] };
  return call(host, address, 25, options);
}
