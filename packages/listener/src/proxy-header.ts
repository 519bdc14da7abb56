import { isIP, SocketAddress } from 'node:net';

/**
 * The PROXY protocol, versions 1 and 2: a balancer's word about who the client is. A pure reader;
 * whether the word is taken is the listener's business.
 */
export type ProxyHeader =
  /** Not complete yet. */
  | { readonly kind: 'more' }
  /** No PROXY header, or a broken one. */
  | { readonly kind: 'bad' }
  /** `length` octets belong to the header; no source means "the connection itself" (LOCAL, UNKNOWN). */
  | {
      readonly kind: 'ok';
      readonly length: number;
      readonly source?: { readonly address: string; readonly port: number };
    };

const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** The longest version 1 line, CRLF included. */
const V1_MAX = 107;
/** Addresses and vendor fields of version 2 beyond this are refused. */
const V2_MAX = 2048;

const MORE: ProxyHeader = { kind: 'more' };
const BAD: ProxyHeader = { kind: 'bad' };

/** Reads a header from the first octets of a connection. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  if (octets.length === 0) return MORE;
  if (octets[0] === 0x50) return readV1(octets);
  if (octets[0] === 0x0d) return readV2(octets);
  return BAD;
}

function readV1(octets: Buffer): ProxyHeader {
  const end = octets.subarray(0, V1_MAX).indexOf('\r\n');
  if (end === -1) {
    const start = octets.toString('latin1', 0, 6);
    return octets.length >= V1_MAX || !'PROXY '.startsWith(start) ? BAD : MORE;
  }
  const [word, family, source, destination, sourcePort, destinationPort, ...rest] = octets
    .toString('latin1', 0, end)
    .split(' ');
  if (word !== 'PROXY') return BAD;
  const length = end + 2;
  if (family === 'UNKNOWN') return { kind: 'ok', length };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0;
  if (version === 0 || rest.length > 0) return BAD;
  if (isIP(source ?? '') !== version || isIP(destination ?? '') !== version) return BAD;
  const port = portOf(sourcePort);
  if (port === undefined || portOf(destinationPort) === undefined) return BAD;
  return { kind: 'ok', length, source: { address: source ?? '', port } };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

function readV2(octets: Buffer): ProxyHeader {
  const have = Math.min(octets.length, V2_SIGNATURE.length);
  if (!octets.subarray(0, have).equals(V2_SIGNATURE.subarray(0, have))) return BAD;
  if (octets.length < 16) return MORE;
  const versionAndCommand = octets.readUInt8(12);
  const family = octets.readUInt8(13);
  const size = octets.readUInt16BE(14);
  const length = 16 + size;
  if (versionAndCommand >> 4 !== 2 || size > V2_MAX) return BAD;
  const command = versionAndCommand & 0x0f;
  if (command > 1) return BAD;
  if (octets.length < length) return MORE;
  // LOCAL: the balancer speaks for itself, a health check for instance.
  if (command === 0) return { kind: 'ok', length };
  if (family === 0x11) {
    if (size < 12) return BAD;
    const address = [...octets.subarray(16, 20)].join('.');
    return { kind: 'ok', length, source: { address, port: octets.readUInt16BE(24) } };
  }
  if (family === 0x21) {
    if (size < 36) return BAD;
    const words = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(16 + i * 2).toString(16));
    // RFC 5952: the same text as for a client that connects without a proxy.
    const { address } = new SocketAddress({ address: words.join(':'), family: 'ipv6' });
    return { kind: 'ok', length, source: { address, port: octets.readUInt16BE(48) } };
  }
  // AF_UNSPEC and Unix sockets name no client address.
  return { kind: 'ok', length };
}
