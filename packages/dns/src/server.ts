import dns from 'node:dns';
import net from 'node:net';
import { plainName } from './answer.ts';

/** A recursive server to ask: an address, or a name that the system's own resolver knows. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** How long a server's name stays at an address: a replica that was put in its place is found after that. */
const NAME_KEPT_MS = 5000;

/**
 * Reads `address`, `address:port`, `name` or `name:port` (IPv6 in brackets with a port).
 * @throws RangeError for anything else
 */
export function parseServer(text: string): Server {
  if (net.isIP(text) !== 0) return { host: text, port: 53 };
  const colon = text.lastIndexOf(':');
  const host = (colon < 0 ? text : text.slice(0, colon)).replace('[', '').replace(']', '');
  const port = colon < 0 ? 53 : Number(text.slice(colon + 1));
  const known = net.isIP(host) !== 0 || isHostName(host);
  if (!known || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new RangeError(`not a DNS server's address or name: ${text}`);
  return { host, port };
}

/** RFC 1123 §2.1, and not all digits and dots, which would be a mistyped address. */
function isHostName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9-]{1,63}$/i.test(label) && !label.startsWith('-')) &&
    /[a-z]/i.test(labels.at(-1) ?? '')
  );
}

type Lookup = (name: string) => Promise<{ readonly address: string }>;

/** Finds the addresses of servers that are given by name; what was found is kept for 5 s. */
export class ServerNames {
  readonly #lookup: Lookup;
  readonly #kept = new Map<string, { readonly address: Promise<string>; readonly until: number }>();

  readonly #now: () => number;

  /** `now` in ms. */
  constructor(
    lookup: Lookup = (name) => dns.promises.lookup(name),
    now: () => number = () => performance.now(),
  ) {
    this.#lookup = lookup;
    this.#now = now;
  }

  /** Rejects when the system does not know the name, or does not say within `timeoutMs`. */
  async locate(server: Server, timeoutMs: number): Promise<Server> {
    if (net.isIP(server.host) !== 0) return server;
    return {
      host: await inTime(this.#address(plainName(server.host)), server.host, timeoutMs),
      port: server.port,
    };
  }

  #address(name: string): Promise<string> {
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.until > this.#now()) return kept.address;
    const address = this.#lookup(name).then((found) => found.address);
    this.#kept.set(name, { address, until: this.#now() + NAME_KEPT_MS });
    address.catch(() => this.#kept.delete(name)); // to be asked for anew
    return address;
  }
}

function inTime(address: Promise<string>, name: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the DNS server ${name} was not found within ${timeoutMs} ms`)),
      timeoutMs,
    );
    address.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
