import { AddressList, type NextHop, parseNextHop } from '@waybill/smtp/client';

/** A smart host: all mail to strangers goes there. */
export type Relay = SmartHost | AgentRelay;

/** Somebody's submission or relay server. */
export interface SmartHost {
  readonly kind: 'host';
  readonly name: string;
  readonly addresses: AddressList;
  readonly tls: 'implicit' | 'required' | 'opportunistic';
  readonly auth: { readonly username: string; readonly password: string } | undefined;
}

/** The inner door of another machine's mta, which takes each hand-over once. */
export interface AgentRelay {
  readonly kind: 'agent';
  readonly name: string;
  readonly hop: NextHop;
}

/**
 * Reads `smtp://user:password@host:587` or `smtps://…`; with credentials TLS is required and its
 * certificate checked. Or `smtp://host:2526?agent`, several with commas: another machine's mta and its replicas.
 * @throws RangeError that does not tell the password
 */
export function parseRelay(setting: string): Relay {
  if (setting.split(',').some((one) => one.trim().endsWith('?agent'))) {
    const hop = parseNextHop('WAYBILL_RELAY_URL', setting, 'foreign');
    return { kind: 'agent', name: hop.places, hop };
  }
  const url = URL.parse(setting);
  if (url === null || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || url.hostname === '')
    throw new RangeError('WAYBILL_RELAY_URL: not smtp://host:port or smtps://host:port');
  const implicit = url.protocol === 'smtps:';
  const port = url.port === '' ? (implicit ? 465 : 587) : Number(url.port);
  const auth =
    url.username === ''
      ? undefined
      : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  return {
    kind: 'host',
    name: url.hostname.replace('[', '').replace(']', ''),
    addresses: new AddressList(`${url.hostname}:${port}`),
    tls: implicit ? 'implicit' : auth === undefined ? 'opportunistic' : 'required',
    auth,
  };
}
