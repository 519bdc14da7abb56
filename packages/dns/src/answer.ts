import type packet from 'dns-packet';

export interface Mx {
  readonly preference: number;
  /** Lower case, without the trailing dot; '' for `.` (RFC 7505). */
  readonly exchange: string;
}

/** What the records of each type are read as. */
export interface RecordTypes {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly PTR: string;
  readonly MX: Mx;
  /** The strings of one record, joined. */
  readonly TXT: string;
  /** Names of the zone's servers. */
  readonly NS: string;
}
export type RecordType = keyof RecordTypes;

/** What a look-up found. `none`: the name exists but has no such record. */
export type Answer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[]; readonly authenticated: boolean }
  | { readonly kind: 'none' }
  | { readonly kind: 'nxdomain' }
  /** Nobody could say: mail waits. */
  | { readonly kind: 'try-later'; readonly cause: string };

/** Records read of one answer; the rest is ignored. */
const MAX_RECORDS = 100;

/** Lower case, without the trailing dot. */
export function plainName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** The records of `type` at the end of the CNAME chain from `name`, with the least TTL met on it, seconds. */
export function readRecords<T extends RecordType>(
  answers: readonly packet.Answer[],
  name: string,
  type: T,
): { readonly records: RecordTypes[T][]; readonly ttl: number; readonly end: string } {
  const aliases = new Map<string, { target: string; ttl: number }>();
  for (const one of answers)
    if (one.type === 'CNAME')
      aliases.set(plainName(one.name), { target: plainName(one.data), ttl: one.ttl ?? 0 });
  let end = name;
  let ttl = Number.POSITIVE_INFINITY;
  if (type !== 'CNAME')
    for (let hops = 0; hops < 8; hops++) {
      const alias = aliases.get(end);
      if (alias === undefined) break;
      end = alias.target;
      ttl = Math.min(ttl, alias.ttl);
    }
  const records: RecordTypes[T][] = [];
  for (const one of answers) {
    if (one.type !== type || plainName(one.name) !== end || records.length >= MAX_RECORDS) continue;
    const read = readers[type](one) as RecordTypes[T] | undefined;
    if (read === undefined) continue;
    records.push(read);
    ttl = Math.min(ttl, 'ttl' in one ? Number(one.ttl ?? 0) : 0);
  }
  return { records, ttl, end };
}

const text = (one: packet.Answer): string => plainName((one as packet.StringAnswer).data);

const readers: { readonly [T in RecordType]: (one: packet.Answer) => RecordTypes[T] | undefined } = {
  A: text,
  AAAA: text,
  CNAME: text,
  PTR: text,
  NS: text,
  MX: (one) => {
    const { preference, exchange } = (one as packet.MxAnswer).data;
    return { preference: preference ?? 0, exchange: plainName(exchange) };
  },
  TXT: (one) => {
    const { data } = one as packet.TxtAnswer;
    return (Array.isArray(data) ? data : [data]).map((part) => part.toString('utf8' as never)).join('');
  },
};
