import net from 'node:net';

/** One DNS record to publish, and the shapes in which panels and zone files want it. Names are plain: lower case, no final dot. */
export interface DnsRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'MX' | 'PTR' | 'SRV' | 'TXT';
  /** An address, a plain name ('' for `.`), or the whole text. */
  readonly value: string;
  /** MX and SRV. */
  readonly priority?: number;
  /** SRV. */
  readonly weight?: number;
  readonly port?: number;
}

/** Octets of one string in a TXT record, RFC 1035 §3.3. */
const MAX_STRING = 255;
/** Seconds: short enough to mend a mistake, long enough for the caches. */
export const TTL = 3600;

/** The name as panels take it: `@`, or what stands before the zone's own name; the whole name where it lies outside. */
export function relativeName(name: string, zone: string): string {
  if (name === zone) return '@';
  return name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : name;
}

export function absoluteName(name: string): string {
  return `${name}.`;
}

/** Strings of at most 255 octets that joined give the text. DNS texts for mail are ASCII: each cut is at a character. */
export function chunks(text: string): string[] {
  const octets = Buffer.from(text);
  const parts: string[] = [];
  for (let at = 0; at < octets.length;) {
    let end = Math.min(at + MAX_STRING, octets.length);
    // Never inside a character of UTF-8.
    while (end < octets.length && (octets[end]! & 0xc0) === 0x80) end--;
    parts.push(octets.toString('utf8', at, end));
    at = end;
  }
  return parts.length === 0 ? [''] : parts;
}

/** Quoted strings in a row, RFC 1035 §5.1: `"…" "…"`. */
export function quotedChunks(text: string): string {
  return chunks(text)
    .map((part) => `"${part.replaceAll(/[\\"]/g, '\\$&')}"`)
    .join(' ');
}

/** What stands behind the type in a zone file; targets with the final dot. */
export function zoneData(record: DnsRecord): string {
  const { type, value, priority = 0, weight = 0, port = 0 } = record;
  if (type === 'TXT') return quotedChunks(value);
  if (type === 'A' || type === 'AAAA') return value;
  const target = value === '' ? '.' : absoluteName(value);
  if (type === 'MX') return `${priority} ${target}`;
  return type === 'SRV' ? `${priority} ${weight} ${port} ${target}` : target;
}

/** One line of a zone file, good in any zone file: the name is absolute. */
export function zoneLine(record: DnsRecord): string {
  return `${absoluteName(record.name)} ${TTL} IN ${record.type} ${zoneData(record)}`;
}

/** What a panel asks for, field by field. Texts unquoted and whole: panels cut and quote by themselves. */
export interface PanelForm {
  readonly name: string;
  readonly absolute: string;
  readonly type: DnsRecord['type'];
  readonly priority?: number;
  readonly weight?: number;
  readonly port?: number;
  readonly value: string;
  /** TXT longer than one string holds: for panels that do not cut. */
  readonly chunks?: readonly string[];
}

export function panelForm(record: DnsRecord, zone: string): PanelForm {
  const { name, type, value, priority, weight, port } = record;
  const isName = type !== 'TXT' && type !== 'A' && type !== 'AAAA';
  const parts = type === 'TXT' ? chunks(value) : [];
  return {
    name: relativeName(name, zone),
    absolute: absoluteName(name),
    type,
    ...(priority === undefined ? {} : { priority }),
    ...(weight === undefined ? {} : { weight }),
    ...(port === undefined ? {} : { port }),
    value: isName && value === '' ? '.' : value,
    ...(parts.length > 1 ? { chunks: parts } : {}),
  };
}

/** The panel form in one line: `Name mail, Type A, Value 192.0.2.1`. */
export function panelLine(record: DnsRecord, zone: string): string {
  const { name, type, priority, weight, port, value } = panelForm(record, zone);
  const fields = [
    `Name ${name}`,
    `Type ${type}`,
    ...(priority === undefined ? [] : [`Priority ${priority}`]),
    ...(weight === undefined ? [] : [`Weight ${weight}`]),
    ...(port === undefined ? [] : [`Port ${port}`]),
    `Value ${value}`,
  ];
  return fields.join(', ');
}

/** The name under which the owner of an address publishes its name, RFC 1035 §3.5, RFC 3596 §2.5. @throws RangeError for no address */
export function reverseName(address: string): string {
  if (net.isIPv4(address)) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  if (!net.isIPv6(address)) throw new RangeError(`${address} is no address`);
  return `${groupsOf(address).join('').split('').toReversed().join('.')}.ip6.arpa`;
}

/** The eight groups of an IPv6 address, four digits each. */
function groupsOf(address: string): string[] {
  // The URL parser writes the shortest form, with an embedded IPv4 address in hexadecimal.
  const short = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1);
  const [head = '', tail] = short.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => group.padStart(4, '0'));
}
