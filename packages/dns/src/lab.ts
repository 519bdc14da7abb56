import { AddressPolicy } from './addresses.ts';

/**
 * What exists in the lab only: loopback addresses that mail may go to, and other ports in the place
 * of port 25. Outside it both are refused as faults, so that no forgotten setting opens a machine.
 */
export class Lab {
  readonly policy: AddressPolicy;
  readonly #ports: ReadonlyMap<string, { readonly host: string; readonly port: number }>;

  /**
   * @param settings `on`: this is the lab. `allow`: CIDR ranges with commas. `intranet`: the same, outside the lab
   *   too, but never loopback or link-local. `ports`: `address:25=port` or
   *   `address:25=address:port`, with commas.
   * @throws RangeError when something is set outside the lab, or malformed
   */
  constructor(settings: {
    readonly on: boolean;
    readonly allow: string;
    readonly ports: string;
    readonly intranet?: string;
  }) {
    const intranet = list(settings.intranet ?? '');
    const allow = list(settings.allow);
    const ports = list(settings.ports);
    if (!settings.on && (allow.length > 0 || ports.length > 0))
      throw new RangeError(
        'WAYBILL_LAB_ALLOW_ADDRESSES and WAYBILL_LAB_PORT_MAP are for the lab only (WAYBILL_LAB=1)',
      );
    checkRanges('WAYBILL_LAB_ALLOW_ADDRESSES', allow);
    checkRanges('WAYBILL_ALLOW_ADDRESSES', intranet);
    this.policy = new AddressPolicy(allow, intranet);
    this.#ports = new Map(ports.map(parseMapping));
  }

  /** Where a connection to this address and port really goes. */
  place(host: string, port: number): { readonly host: string; readonly port: number } {
    return this.#ports.get(`${host}:${port}`) ?? { host, port };
  }
}

function checkRanges(name: string, ranges: readonly string[]): void {
  try {
    new AddressPolicy(ranges);
  } catch {
    throw new RangeError(`${name}: not a list of CIDR ranges: ${ranges.join(',')}`);
  }
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

function parseMapping(text: string): [string, { host: string; port: number }] {
  const equals = text.indexOf('=');
  const from = text.slice(0, equals);
  const to = text.slice(equals + 1);
  const colon = to.lastIndexOf(':');
  const host = colon === -1 ? from.slice(0, from.lastIndexOf(':')) : to.slice(0, colon);
  const port = Number(to.slice(colon + 1));
  if (equals < 1 || !from.includes(':') || host === '' || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new RangeError(`WAYBILL_LAB_PORT_MAP: not address:port=port: ${text}`);
  return [from, { host, port }];
}
