import net from 'node:net';
import { Lab } from '@waybill/dns';
import { nameFault } from '../doctor/checks/host.ts';
import type { Parsed } from '../options.ts';
import { DEFAULT_OPS, findReplicas, type Place as OpsPlace } from '../status/find-replicas.ts';
import { UsageError } from '../usage.ts';
import { DEFAULT_SERVICES, parseServices } from './client-services.ts';
import type { Site } from './publish-list.ts';

/** What is known of this site before any question: from options, else from the environment, else from a lab. */
export interface SiteOptions {
  /** As configured, letter by letter. */
  readonly configuredHost: string | undefined;
  readonly addresses: readonly string[];
  /** DNS servers to ask; undefined: those of the system. */
  readonly resolvers: readonly string[] | undefined;
  readonly place: (host: string, port: number) => { readonly host: string; readonly port: number };
  readonly outbound: string | undefined;
  readonly ops: () => Promise<readonly OpsPlace[]>;
  /** The site as seen from one domain. */
  readonly of: (domain: string) => Site;
}

export const SITE_OPTIONS = {
  host: true,
  address: 'many',
  services: true,
  reports: true,
  resolver: 'many',
  data: true,
} as const;

export const SITE_USAGE = `  --host NAME           of the mail host (WAYBILL_HOSTNAME, as for the agents; else mail.DOMAIN is taken)
  --address A           of the mail host, repeated for each (WAYBILL_PUBLIC_ADDRESSES, with commas; else what the DNS says)
  --services LIST       offered to mail programs, some with :port (WAYBILL_CLIENT_SERVICES; ${DEFAULT_SERVICES})
  --reports ADDRESS     where DMARC reports go (WAYBILL_DMARC_REPORTS; postmaster@DOMAIN)
  --resolver HOST:PORT  DNS servers to ask, repeated (WAYBILL_DNS_SERVERS; those of the system)
  --data DIR            of the lab in DIR`;

/** @throws UsageError for what cannot be understood, Error where --data names no lab */
export async function readSiteOptions(
  parsed: Parsed,
  env: NodeJS.ProcessEnv = process.env,
): Promise<SiteOptions> {
  const lab =
    parsed.value('data') === undefined ? undefined : await labSurroundings(parsed.value('data') ?? '');
  const said = (option: string, name: string): string | undefined => {
    const given = parsed.value(option) ?? env[name];
    return given === '' ? undefined : given;
  };
  const many = (option: string, name: string): string[] => {
    const given = parsed.all(option);
    return given.length > 0 ? [...given] : list(env[name] ?? '');
  };
  const configuredHost = said('host', 'WAYBILL_HOSTNAME');
  const addresses = many('address', 'WAYBILL_PUBLIC_ADDRESSES');
  for (const address of addresses)
    if (net.isIP(address) === 0)
      throw new UsageError(`--address takes an IPv4 or IPv6 address, not "${address}"`);
  const services = parseServices(said('services', 'WAYBILL_CLIENT_SERVICES') ?? DEFAULT_SERVICES);
  const reports = said('reports', 'WAYBILL_DMARC_REPORTS');
  if (reports !== undefined && !/^[^\s@,;!"]+@[^\s@,;!"]+$/.test(reports))
    throw new UsageError(`--reports takes a mail address, not "${reports}"`);
  const resolvers = many('resolver', 'WAYBILL_DNS_SERVERS');
  const outside = outsideTheWorld(env);
  return {
    configuredHost: configuredHost ?? lab?.host,
    addresses: addresses.length > 0 ? addresses : (lab?.addresses ?? []),
    resolvers: resolvers.length > 0 ? resolvers : lab === undefined ? undefined : [lab.dns],
    place: (host, port) => lab?.place(host, port) ?? outside.place(host, port),
    outbound: said('outbound', 'WAYBILL_DOCTOR_OUTBOUND'),
    ops: async () => lab?.ops ?? (await findReplicas(env['WAYBILL_OPS'] ?? DEFAULT_OPS)),
    of(domain) {
      const configured = configuredHost ?? (lab === undefined ? undefined : `mx.${domain}`);
      const usable = configured !== undefined && nameFault(configured) === undefined;
      return {
        domain,
        host: usable ? configured.toLowerCase() : `mail.${domain}`,
        addresses: addresses.length > 0 ? addresses : (lab?.addresses ?? []),
        services,
        reportsTo: reports ?? `postmaster@${domain}`,
      };
    },
  };
}

/** Plain form of a domain, A-labels. @throws UsageError for what is none */
export function readDomain(text: string): string {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  const url = URL.parse(`http://${bare}`);
  const plain = url?.hostname ?? '';
  const good =
    plain.includes('.') &&
    net.isIP(plain) === 0 &&
    /^[^/@:?#[\]\s]+$/.test(bare) &&
    plain.length <= 253 &&
    plain.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  if (!good) throw new UsageError(`"${text}" is not a domain: say example.org`);
  return plain;
}

/** The lab's exceptions by which loopback stands for the world; faults outside the lab. */
function outsideTheWorld(env: NodeJS.ProcessEnv): Lab {
  try {
    return new Lab({ on: env['WAYBILL_LAB'] === '1', allow: '', ports: env['WAYBILL_LAB_PORT_MAP'] ?? '' });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

interface LabSurroundings {
  readonly dns: string;
  readonly host: undefined;
  readonly addresses: readonly string[];
  readonly ops: readonly OpsPlace[];
  readonly place: (host: string, port: number) => { host: string; port: number } | undefined;
}

/** Loaded only when asked for: the lab brings much along. */
async function labSurroundings(folder: string): Promise<LabSurroundings> {
  const { HOSTS, readLabFile } = await import('@waybill/lab');
  const { ports, replicas } = readLabFile(folder);
  const mx = replicas['mx'] ?? [];
  const addresses = mx.map((_, index) => HOSTS.mx(index));
  return {
    dns: `127.0.0.1:${ports.dns}`,
    host: undefined,
    addresses,
    ops: mx.map((replica) => ({ name: 'mx', address: `127.0.0.1:${replica['ops']}` })),
    place(host, port) {
      const door = port === 25 ? mx[addresses.indexOf(host)]?.['port'] : port === 53 ? ports.dns : undefined;
      return door === undefined ? undefined : { host: '127.0.0.1', port: door };
    },
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
