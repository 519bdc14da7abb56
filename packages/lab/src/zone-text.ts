import type { Answer } from 'dns-packet';

/**
 * Zones written as text, one record a line, for the lab's DNS server:
 *
 *     zone red.test
 *     @        MX    10 mx.red.test.
 *     mx       A     127.0.0.1
 *     *        TXT   "anything"
 *     zone servfail.test SERVFAIL
 *
 * `@` is the zone itself; a name without a trailing dot is relative to it. A zone may name a
 * failure (SERVFAIL, REFUSED, DROP) instead of having records. Lines of a zone file are taken too, as
 * RFC 1035 §5.1 has them: `$ORIGIN` begins a zone, `$TTL` and `name 3600 IN A …` say how long.
 */
export interface Zone {
  readonly origin: string;
  /** SERVFAIL or REFUSED is answered for every name; DROP never answers. */
  readonly failure: 'SERVFAIL' | 'REFUSED' | 'DROP' | undefined;
  /** Lower-case owner name without the trailing dot, to its records. */
  readonly records: ReadonlyMap<string, readonly Answer[]>;
}

type Reader = (fields: readonly string[], absolute: (name: string) => string) => unknown;

/** How each record type's data is read; what is not here is a fault. */
const READERS: Readonly<Record<string, Reader>> = {
  A: ([address]) => address,
  AAAA: ([address]) => address,
  CNAME: ([target], absolute) => absolute(target ?? ''),
  NS: ([target], absolute) => absolute(target ?? ''),
  PTR: ([target], absolute) => absolute(target ?? ''),
  MX: ([preference, exchange], absolute) => ({
    preference: Number(preference),
    exchange: exchange === '.' ? '.' : absolute(exchange ?? ''),
  }),
  TXT: (strings) => strings,
  SRV: ([priority, weight, port, target], absolute) => ({
    priority: Number(priority),
    weight: Number(weight),
    port: Number(port),
    target: absolute(target ?? ''),
  }),
};

/** @throws Error naming the line that cannot be read. */
export function parseZones(text: string, usualTtl = 1): Zone[] {
  let ttl = usualTtl;
  const zones: { origin: string; failure: Zone['failure']; records: Map<string, Answer[]> }[] = [];
  text.split('\n').forEach((raw, index) => {
    const fields = splitFields(raw);
    if (fields.length === 0) return;
    const fault = (what: string): Error => new Error(`zones, line ${index + 1}: ${what}: ${raw.trim()}`);
    if (fields[0] === 'zone') {
      const failure = fields[2];
      if (failure !== undefined && failure !== 'SERVFAIL' && failure !== 'REFUSED' && failure !== 'DROP')
        throw fault('unknown failure');
      zones.push({ origin: bare(fields[1] ?? ''), failure, records: new Map() });
      return;
    }
    if (fields[0] === '$ORIGIN') {
      ttl = usualTtl;
      zones.push({ origin: bare(fields[1] ?? ''), failure: undefined, records: new Map() });
      return;
    }
    if (fields[0] === '$TTL') {
      ttl = Number(fields[1]);
      return;
    }
    const zone = zones.at(-1);
    if (zone === undefined) throw fault('a record before any zone');
    const [owner = '', ...rest] = fields;
    const own = /^\d+$/.test(rest[0] ?? '') ? Number(rest.shift()) : ttl;
    if (rest[0] === 'IN') rest.shift();
    const [type = '', ...data] = rest;
    const read = READERS[type];
    if (read === undefined) throw fault(`unknown record type ${type}`);
    if (type === 'TXT' && data.some((string) => Buffer.byteLength(string) > 255))
      throw fault('a TXT string holds at most 255 octets');
    const absolute = (name: string): string =>
      name === '@' ? zone.origin : name.endsWith('.') ? bare(name) : bare(`${name}.${zone.origin}`);
    const name = absolute(owner);
    const record = { type, name, ttl: own, class: 'IN', data: read(data, absolute) } as Answer;
    zone.records.set(name, [...(zone.records.get(name) ?? []), record]);
  });
  return zones;
}

function bare(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

/** Fields by white space; double quotes hold a string together, and `\X` in it is X; `;` begins a comment. */
function splitFields(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  while (at < line.length) {
    const c = line[at]!;
    if (c === ';') break;
    if (c === ' ' || c === '\t' || c === '\r') at++;
    else if (c === '"') {
      let field = '';
      for (at++; at < line.length && line[at] !== '"'; at++) {
        if (line[at] === '\\') at++;
        field += line[at] ?? '';
      }
      fields.push(field);
      at++;
    } else {
      let end = at;
      while (end < line.length && !' \t\r;'.includes(line[end]!)) end++;
      fields.push(line.slice(at, end));
      at = end;
    }
  }
  return fields;
}
