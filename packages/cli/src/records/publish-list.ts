import net from 'node:net';
import type { ClientService } from './client-services.ts';
import type { DkimKey } from './dkim-keys.ts';
import { type DnsRecord, reverseName } from './record.ts';

/** All that must stand in the DNS for a domain of ours. A pure function of what is known about the site. */
export interface Publication {
  readonly record: DnsRecord;
  readonly level: 'required' | 'advised' | 'optional';
  /** What it is for, one line. */
  readonly why: string;
  /** Who can publish it: the domain's zone, the zone of the host's own domain, or the owner of the address. */
  readonly where: 'domain' | 'host' | 'address';
}

export interface Site {
  /** Plain. */
  readonly domain: string;
  /** The name of the mail host, plain. */
  readonly host: string;
  /** Addresses that the host is reached at and sends from; may be empty. */
  readonly addresses: readonly string[];
  readonly services: readonly ClientService[];
  /** Where reports of receivers go: `postmaster@example.org`. */
  readonly reportsTo: string;
}

export function publishList(site: Site, keys: readonly DkimKey[]): Publication[] {
  const { domain, host } = site;
  const hostIsInside = host === domain || host.endsWith(`.${domain}`);
  const hostWhere = hostIsInside ? 'domain' : 'host';
  const list: Publication[] = [];
  const add = (
    record: DnsRecord,
    level: Publication['level'],
    why: string,
    where: Publication['where'] = 'domain',
  ): void => void list.push({ record, level, why, where });

  for (const address of site.addresses)
    add(addressRecord(host, address), 'required', 'where the mail host is', hostWhere);
  add(mxRecord(domain, host), 'required', 'which host takes mail for the domain');
  add(spfRecord(domain), 'required', 'who may send for the domain (RFC 7208)');
  if (host !== domain)
    add(hostSpfRecord(host), 'advised', 'who may say this name in EHLO (RFC 7208 §2.3)', hostWhere);
  for (const key of keys)
    add(dkimRecord(domain, key), 'required', `key of ${key.algorithm} signatures, ${key.state} (RFC 6376)`);
  add(
    dmarcRecord(domain, site.reportsTo),
    'required',
    'what receivers do with forgeries, and who is told (RFC 9989)',
  );
  for (const service of site.services)
    add(
      serviceRecord(domain, host, service),
      service.port === undefined ? 'optional' : 'advised',
      service.port === undefined
        ? 'says that this service is not offered (RFC 6186)'
        : 'where mail programs find it (RFC 6186, RFC 8314)',
    );
  for (const address of site.addresses)
    add(
      ptrRecord(address, host),
      'required',
      'the name of the address: many refuse mail without it',
      'address',
    );
  return list;
}

export function addressRecord(host: string, address: string): DnsRecord {
  return { name: host, type: net.isIPv6(address) ? 'AAAA' : 'A', value: address };
}

export function mxRecord(domain: string, host: string): DnsRecord {
  return { name: domain, type: 'MX', priority: 10, value: host };
}

export function spfRecord(domain: string, value = 'v=spf1 mx ~all'): DnsRecord {
  return { name: domain, type: 'TXT', value };
}

export function hostSpfRecord(host: string): DnsRecord {
  return { name: host, type: 'TXT', value: 'v=spf1 a -all' };
}

export function dkimName(domain: string, selector: string): string {
  return `${selector}._domainkey.${domain}`;
}

export function dkimRecord(domain: string, key: DkimKey): DnsRecord {
  return { name: dkimName(domain, key.selector), type: 'TXT', value: key.record };
}

/** The first step: nothing is refused yet, and reports tell whether all mail that is ours passes. */
export function dmarcRecord(domain: string, reportsTo: string): DnsRecord {
  return { name: `_dmarc.${domain}`, type: 'TXT', value: `v=DMARC1; p=none; rua=mailto:${reportsTo}` };
}

export function serviceRecord(domain: string, host: string, service: ClientService): DnsRecord {
  const { label, port } = service;
  const name = `${label}._tcp.${domain}`;
  return port === undefined
    ? { name, type: 'SRV', priority: 0, weight: 0, port: 0, value: '' }
    : { name, type: 'SRV', priority: 0, weight: 1, port, value: host };
}

export function ptrRecord(address: string, host: string): DnsRecord {
  return { name: reverseName(address), type: 'PTR', value: host };
}

/** What comes after the first step of DMARC, when the reports look clean. */
export const DMARC_NEXT =
  'When the reports of some weeks show only senders that are yours and pass, say p=quarantine, and later p=reject.';
