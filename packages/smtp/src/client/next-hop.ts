import { AddressList } from './address-list.ts';
import type { OpenOptions, TlsCredentials } from './open.ts';

/** The next machine's SMTP door, as a setting names it. */
export interface NextHop {
  /** `host:port`, several with commas. */
  readonly places: string;
  /**
   * `agent`: an mta of ours; TLS with certificates of both sides, or no mail at all. `foreign`: anybody's SMTP
   * server that takes mail from this address; TLS where it is offered (RFC 7435), and no certificate is shown.
   */
  readonly kind: 'agent' | 'foreign';
}

/** The name in the certificate of an agent that takes mail over SMTP. */
const DOOR_NAME = 'mta';
const PORT = '2526';

/**
 * Reads `smtp://host:port`, several with commas, each perhaps with `?agent` or `?foreign`, all of one kind;
 * `usual` is the kind of those without. Without a port: 2526 for an agent, 25 for another's server.
 * @throws RangeError that says how to write it, and never repeats what may be a password
 */
export function parseNextHop(name: string, setting: string, usual: NextHop['kind']): NextHop {
  const kinds = new Set<NextHop['kind']>();
  const places = setting
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const url = URL.parse(one);
      const wanted = url?.search === '' ? usual : url?.search.slice(1);
      const plain =
        url?.protocol === 'smtp:' && url.username === '' && (url.pathname === '' || url.pathname === '/');
      if (url === null || !plain || url.hostname === '' || (wanted !== 'agent' && wanted !== 'foreign'))
        throw new RangeError(
          `${name}: write smtp://host:port, or smtp://host:port?${usual === 'agent' ? 'foreign' : 'agent'}`,
        );
      kinds.add(wanted);
      return `${url.hostname}:${url.port === '' ? (wanted === 'agent' ? PORT : '25') : url.port}`;
    });
  const [kind] = kinds;
  if (kind === undefined || kinds.size > 1)
    throw new RangeError(`${name}: the hosts of one list are all agents, or all foreign`);
  return { places: places.join(','), kind };
}

/** How connections to the next hop are opened. */
export function hopSecurity(
  hop: NextHop,
  credentials: TlsCredentials | undefined,
): Pick<OpenOptions, 'tls' | 'verify' | 'servername' | 'credentials'> {
  if (hop.kind === 'foreign') return { tls: 'opportunistic' };
  // Tests of the conversation alone speak in clear.
  if (credentials === undefined) return { tls: 'none' };
  return { tls: 'required', verify: true, servername: DOOR_NAME, credentials };
}

/** @throws RangeError for what is not `host:port` */
export function hopAddresses(hop: NextHop): AddressList {
  return new AddressList(hop.places);
}

/** An inner hop answers in seconds or hangs, ms; committing may wait 30 s for a database that is being restarted. */
export const HOP_TIMEOUTS = {
  connect: 5000,
  greeting: 20_000,
  hello: 20_000,
  tls: 10_000,
  mail: 30_000,
  rcpt: 60_000,
  data: 60_000,
  block: 60_000,
  dot: 90_000,
} as const;
