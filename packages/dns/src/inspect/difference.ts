import type { Detail } from './detail.ts';
import type { Said, Seen } from './inquiry.ts';

/** What a person should know of one question beyond its answer, as sentences; empty where all servers agree. */
export function differences(seen: Seen<unknown>): string[] {
  const what = `${seen.type} of ${seen.name}`;
  const answering = seen.authorities.filter(({ detail }) => detail.kind !== 'failed');
  const truth = answering[0];
  if (truth === undefined) return [];
  const lines: string[] = [];
  for (const other of answering.slice(1))
    if (fingerprint(other.detail) !== fingerprint(truth.detail))
      lines.push(
        `${what}: the zone's own servers differ: ${other.server} says ${said(other.detail)}, ${truth.server} says ${said(truth.detail)}`,
      );
  for (const resolver of seen.resolvers)
    if (resolver.detail.kind !== 'failed' && fingerprint(resolver.detail) !== fingerprint(truth.detail))
      lines.push(staleness(what, truth, resolver));
  return lines;
}

function staleness(what: string, truth: Said<unknown>, resolver: Said<unknown>): string {
  const until = leftOf(resolver.detail);
  const now = truth.detail.kind === 'found' ? 'the new value is live' : 'the record is gone from the zone';
  const old = resolver.detail.kind === 'found' ? 'the old one' : 'the old "there is none"';
  return `${what}: ${now}; ${old} is cached at ${resolver.server}${until === 0 ? '' : ` up to ${inWords(until)}`}: ${said(resolver.detail)}`;
}

/** Equal for two answers that mean the same: neither order, TTL nor the cutting of texts counts. */
export function fingerprint(detail: Detail<unknown>): string {
  if (detail.kind === 'failed') return 'failed';
  if (detail.kind !== 'found') return 'nothing';
  return JSON.stringify(detail.records.map(({ value }) => plain(value)).toSorted());
}

/** The values for people. */
export function said(detail: Detail<unknown>): string {
  if (detail.kind === 'failed') return `nothing (${detail.cause})`;
  if (detail.kind === 'nxdomain') return 'no such name';
  if (detail.kind !== 'found') return 'none';
  return detail.records.map(({ value }) => plain(value)).join(' and ');
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `"${value.join('')}"`;
  return Object.values(value as object)
    .map((part) => (part === '' ? '.' : String(part)))
    .join(' ');
}

function leftOf(detail: Detail<unknown>): number {
  if (detail.kind === 'failed') return 0;
  return detail.kind === 'found' ? Math.max(...detail.records.map(({ ttl }) => ttl)) : detail.ttl;
}

/** `45 s`, `41 min`, `5 h`, never less than it is. */
function inWords(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
