import dns from 'node:dns/promises';
import net from 'node:net';
import { parseHostList } from '@waybill/auth-client';

/** Where the ops port of a replica is, as far as a name server or a lab can tell. */
export interface Place {
  /** The name that was resolved: an agent's, in compose and in Kubernetes. */
  readonly name: string;
  /** `address:port` (IPv6 in brackets); undefined when the name has no address. */
  readonly address: string | undefined;
}

/** The ops ports of all agents, where nobody says otherwise. */
export const DEFAULT_OPS = 'auth:9090,mda:9090,mra:9090,msa:9090,mta:9090,mx:9090';

export type LookUp = (name: string) => Promise<readonly string[]>;

const systemLookUp: LookUp = async (name) =>
  (await dns.lookup(name, { all: true })).map(({ address }) => address);

/**
 * Every address of every name of the setting: each is one replica.
 * @param setting `host:port,host:port`
 * @throws Error that names the item which cannot be read
 */
export async function findReplicas(setting: string, lookUp: LookUp = systemLookUp): Promise<Place[]> {
  const found = await Promise.all(
    parseHostList(setting).map(async ({ host, port }): Promise<Place[]> => {
      const addresses = net.isIP(host) === 0 ? await lookUp(host).catch(() => []) : [host];
      if (addresses.length === 0) return [{ name: host, address: undefined }];
      return addresses.toSorted().map((address) => ({
        name: host,
        address: net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`,
      }));
    }),
  );
  return found.flat();
}
