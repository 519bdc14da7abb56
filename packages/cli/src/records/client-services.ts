import { UsageError } from '../usage.ts';

/** What mail programs look for by SRV records, RFC 6186 and RFC 8314 §5.1. */
export interface ClientService {
  /** `_submissions`, `_imaps` … */
  readonly label: string;
  /** Undefined: not offered, which is said by the target `.` (RFC 6186 §3.4). */
  readonly port: number | undefined;
}

const USUAL_PORTS: ReadonlyMap<string, number> = new Map([
  ['submissions', 465],
  ['submission', 587],
  ['imaps', 993],
  ['imap', 143],
  ['pop3s', 995],
]);

export const DEFAULT_SERVICES = [...USUAL_PORTS.keys()].join(',');

/**
 * Reads `submissions,imaps:1993,…`: a service with its usual port or another one. Those of the five that are not
 * named are not offered.
 * @throws UsageError for a service that is not among them
 */
export function parseServices(setting: string): ClientService[] {
  const ports = new Map<string, number>();
  for (const item of setting.split(',').map((one) => one.trim())) {
    if (item === '' || item === 'none') continue;
    const [name = '', port] = item.split(':');
    const usual = USUAL_PORTS.get(name);
    const given = port === undefined ? usual : Number(port);
    if (usual === undefined || given === undefined || !Number.isInteger(given) || given < 1 || given > 65535)
      throw new UsageError(
        `services are some of ${DEFAULT_SERVICES}, each with :port where it is not the usual one, not "${item}"`,
      );
    ports.set(name, given);
  }
  return [...USUAL_PORTS.keys()].map((name) => ({ label: `_${name}`, port: ports.get(name) }));
}
