import type packet from 'dns-packet';
import { type Mx, plainName } from '../answer.ts';

/** RFC 2782. `target` is '' for `.`: the service is decidedly not offered. */
export interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** What the records of each type are read as; names in lower case without the trailing dot. */
export interface DetailTypes {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly PTR: string;
  readonly NS: string;
  readonly MX: Mx;
  /** The strings of one record, each at most 255 octets, as they were published. */
  readonly TXT: readonly string[];
  readonly SRV: Srv;
}
export type DetailType = keyof DetailTypes;

export interface Held<T> {
  readonly value: T;
  /** Seconds that a cache may keep it, from this server's answer on. */
  readonly ttl: number;
}

/** One CNAME on the way from the name asked for. */
export interface Alias {
  readonly name: string;
  readonly target: string;
}

/** What one server says, with all that a plain look-up throws away. `end`: the name at the end of the aliases. */
export type Detail<T> =
  | {
      readonly kind: 'found';
      readonly records: readonly Held<T>[];
      readonly aliases: readonly Alias[];
      readonly end: string;
    }
  | {
      readonly kind: 'none' | 'nxdomain';
      readonly aliases: readonly Alias[];
      readonly end: string;
      /** Seconds that "there is none" may be kept, RFC 2308 §5; 0 where the answer does not say. */
      readonly ttl: number;
    }
  /** It gave no answer that can be used. */
  | { readonly kind: 'failed'; readonly cause: string };

/** Records of one answer, and aliases in a row, that are read; the rest is ignored. */
const MAX_RECORDS = 100;
const MAX_ALIASES = 8;

/** Reads an answer without an error code other than NXDOMAIN. `name` is plain. */
export function readDetail<T extends DetailType>(
  response: packet.DecodedPacket,
  name: string,
  type: T,
): Detail<DetailTypes[T]> {
  const answers = response.answers ?? [];
  const targets = new Map<string, string>();
  for (const one of answers) if (one.type === 'CNAME') targets.set(plainName(one.name), plainName(one.data));
  const aliases: Alias[] = [];
  let end = name;
  if (type !== 'CNAME')
    for (let target = targets.get(end); target !== undefined && aliases.length < MAX_ALIASES;) {
      aliases.push({ name: end, target });
      end = target;
      target = targets.get(end);
    }
  const records: Held<DetailTypes[T]>[] = [];
  for (const one of answers) {
    if (one.type !== type || plainName(one.name) !== end || records.length >= MAX_RECORDS) continue;
    records.push({ value: READERS[type](one) as DetailTypes[T], ttl: ttlOf(one) });
  }
  if (records.length > 0) return { kind: 'found', records, aliases, end };
  const missing = (response as { rcode?: string }).rcode === 'NXDOMAIN';
  return { kind: missing ? 'nxdomain' : 'none', aliases, end, ttl: negativeTtl(response) };
}

function ttlOf(one: packet.Answer): number {
  return 'ttl' in one ? Number(one.ttl ?? 0) : 0;
}

function negativeTtl(response: packet.DecodedPacket): number {
  for (const one of response.authorities ?? [])
    if (one.type === 'SOA') return Math.min(one.ttl ?? 0, one.data.minimum ?? 0);
  return 0;
}

const nameOf = (one: packet.Answer): string => plainName((one as packet.StringAnswer).data);

const READERS: { readonly [T in DetailType]: (one: packet.Answer) => DetailTypes[T] } = {
  A: nameOf,
  AAAA: nameOf,
  CNAME: nameOf,
  PTR: nameOf,
  NS: nameOf,
  MX: (one) => {
    const { preference, exchange } = (one as packet.MxAnswer).data;
    return { preference: preference ?? 0, exchange: plainName(exchange) };
  },
  TXT: (one) => {
    const { data } = one as packet.TxtAnswer;
    return (Array.isArray(data) ? data : [data]).map((part) =>
      typeof part === 'string' ? part : part.toString('utf8'),
    );
  },
  SRV: (one) => {
    const { priority, weight, port, target } = (one as packet.SrvAnswer).data;
    return { priority: priority ?? 0, weight: weight ?? 0, port, target: plainName(target) };
  },
};
