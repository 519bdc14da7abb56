import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** One address of an inner service. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The name it was found under: for TLS. */
  readonly name: string;
}

type Lookup = (name: string) => Promise<readonly string[]>;

/** How old an answer may be before names are asked again, ms. */
const REFRESH = 5000;
/** The same after trouble with one of the addresses. */
const SOON = 1000;

/**
 * The addresses behind a setting such as `mda:2424,10.0.0.7:2424`. Names are looked up again every
 * 5 s while somebody asks, so a new replica gets its share; when the look-up fails the last answer stays.
 */
export class AddressList {
  readonly #entries: readonly { readonly name: string; readonly port: number }[];
  readonly #lookup: Lookup;
  #addresses: readonly Address[] = [];
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<readonly Address[]> | undefined;

  /** @throws RangeError for an entry that is not `host:port` (IPv6 in brackets). */
  constructor(setting: string, lookup: Lookup = allAddresses) {
    this.#entries = setting
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
      .map(parseEntry);
    if (this.#entries.length === 0) throw new RangeError('a list of host:port is needed');
    this.#lookup = lookup;
  }

  /** The addresses of the last look-up, refreshed behind the caller's back; undefined before the first. */
  get known(): readonly Address[] | undefined {
    if (performance.now() - this.#askedAt > REFRESH) this.#ask().catch(() => undefined);
    return this.#addresses.length > 0 ? this.#addresses : undefined;
  }

  /** An address did not answer: it may be gone from its name already. */
  lookSoon(): void {
    if (performance.now() - this.#askedAt > SOON) this.#ask().catch(() => undefined);
  }

  /** Waits for the first look-up. @throws the resolver's error when no name was ever found. */
  async addresses(): Promise<readonly Address[]> {
    return this.known ?? this.#ask();
  }

  #ask(): Promise<readonly Address[]> {
    this.#asking ??= this.#resolve().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #resolve(): Promise<readonly Address[]> {
    this.#askedAt = performance.now();
    const answers = await Promise.allSettled(
      this.#entries.map(async ({ name, port }) =>
        (isIP(name) === 0 ? await this.#lookup(name) : [name]).map((host) => ({ host, port, name })),
      ),
    );
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (found.length > 0) this.#addresses = found;
    else if (this.#addresses.length === 0) throw failed?.reason ?? new Error('no address was found');
    return this.#addresses;
  }
}

function parseEntry(entry: string): { name: string; port: number } {
  const colon = entry.lastIndexOf(':');
  const port = Number(entry.slice(colon + 1));
  const name = entry.slice(0, colon).replace('[', '').replace(']', '');
  if (colon < 1 || name === '' || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new RangeError(`not host:port: ${entry}`);
  return { name, port };
}

async function allAddresses(name: string): Promise<readonly string[]> {
  const found = await systemLookup(name, { all: true });
  return found.map(({ address }) => address);
}
