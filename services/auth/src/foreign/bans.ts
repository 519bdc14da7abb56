import { BlockList, isIP } from 'node:net';
import type { Ban } from '@waybill/auth-client';
import { plainAddress } from './networks.ts';

/** Which ban an address is under, by a list that is read again after a few seconds. */
const FRESH_MS = 2000;

export class BannedNetworks {
  readonly #read: () => Promise<readonly Ban[]>;
  #list: Promise<readonly Entry[]> | undefined;
  #readAt = 0;

  constructor(read: () => Promise<readonly Ban[]>) {
    this.#read = read;
  }

  /** @throws what reading throws */
  async find(client: string, now = Date.now()): Promise<Ban | undefined> {
    const address = plainAddress(client);
    const version = isIP(address);
    if (version === 0) return undefined;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    const entries = await this.#entries();
    return entries.find(({ until, networks }) => until > now && networks.check(address, family))?.ban;
  }

  #entries(): Promise<readonly Entry[]> {
    if (this.#list !== undefined && performance.now() - this.#readAt < FRESH_MS) return this.#list;
    this.#readAt = performance.now();
    const list = this.#read().then((bans) => bans.flatMap(entryOf));
    list.catch(() => {
      if (this.#list === list) this.#list = undefined;
    });
    this.#list = list;
    return list;
  }
}

interface Entry {
  readonly ban: Ban;
  readonly until: number;
  readonly networks: BlockList;
}

function entryOf(ban: Ban): Entry[] {
  const [address = '', bits] = ban.network.split('/');
  const version = isIP(address);
  if (version === 0) return [];
  const networks = new BlockList();
  networks.addSubnet(
    address,
    bits === undefined ? (version === 4 ? 32 : 128) : Number(bits),
    version === 4 ? 'ipv4' : 'ipv6',
  );
  return [
    { ban, until: ban.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(ban.until), networks },
  ];
}
