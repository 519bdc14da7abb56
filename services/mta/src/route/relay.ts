import { AddressList } from '@waybill/smtp/client';

/** A smart host: all mail to strangers goes there. */
export interface Relay {
  readonly name: string;
  readonly addresses: AddressList;
  readonly tls: 'implicit' | 'required' | 'opportunistic';
  readonly auth: { readonly username: string; readonly password: string } | undefined;
}

/**
 * Reads `smtp://user:password@host:587` or `smtps://…`. With credentials TLS is required and its
 * certificate checked.
 * @throws RangeError that does not tell the password
 */
export function parseRelay(setting: string): Relay {
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
    name: url.hostname.replace('[', '').replace(']', ''),
    addresses: new AddressList(`${url.hostname}:${port}`),
    tls: implicit ? 'implicit' : auth === undefined ? 'opportunistic' : 'required',
    auth,
  };
}
