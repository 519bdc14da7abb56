import type { Mx } from '@waybill/dns';
import type { Seen, Srv, ZoneCut } from '@waybill/dns/inspect';
import type { Keys } from '../records/dkim-keys.ts';
import type { Site } from '../records/publish-list.ts';

/** All that a check may look at, gathered before the first one runs. */
export interface Facts {
  readonly site: Site;
  /** The host name as it is configured, letter by letter; undefined: it is not known here and `site.host` is a guess. */
  readonly configuredHost: string | undefined;
  /** The addresses were said by the operator; else they are what the DNS says of the host. */
  readonly addressesGiven: boolean;
  readonly zone: ZoneCut | undefined;
  /** SOA is not asked; what the apex answers to CNAME. */
  readonly apexAlias: Seen<string>;
  readonly host: NameFacts;
  /** What this machine's hosts file says of the host name. */
  readonly hostHere: readonly string[];
  readonly mx: Seen<Mx>;
  /** The targets of `mx` that can be names, in its order. */
  readonly targets: ReadonlyMap<string, NameFacts>;
  /** By own address. */
  readonly pointers: ReadonlyMap<string, PointerFacts>;
  /** The domain's first; the host's where it has another name. */
  readonly spf: readonly SpfFacts[];
  readonly keys: Keys;
  /** By selector. */
  readonly dkim: ReadonlyMap<string, TextFacts>;
  readonly dmarc: TextFacts;
  /** Where the domain has none of its own: the record of the nearest name above that has one. */
  readonly dmarcAbove: { readonly domain: string; readonly text: string } | undefined;
  /** Texts of the domain itself: what was put at the wrong name is found there. */
  readonly domainTexts: Seen<readonly string[]>;
  /** By domain that reports are sent to: what it says of reports about ours. */
  readonly authorisations: ReadonlyMap<string, Seen<readonly string[]>>;
  /** By label, `_imaps`. */
  readonly services: ReadonlyMap<string, ServiceFacts>;
  readonly network: NetworkFacts;
}

export interface NameFacts {
  readonly name: string;
  readonly alias: Seen<string>;
  readonly a: Seen<string>;
  readonly aaaa: Seen<string>;
}

export interface PointerFacts {
  readonly pointer: Seen<string>;
  /** By name that PTR gives: its addresses; undefined where nobody could say. */
  readonly forward: ReadonlyMap<string, readonly string[] | undefined>;
}

export interface SpfFacts {
  readonly name: string;
  readonly texts: Seen<readonly string[]>;
  /** Undefined where there is not exactly one record. */
  readonly reading: SpfReading | undefined;
}

/** What RFC 7208 makes of a record. */
export interface SpfReading {
  /** Terms that cost a look-up, all of the record and what it includes. */
  readonly lookups: number;
  /** Why every receiver gets permerror; undefined where none does. */
  readonly fault: string | undefined;
  /** Nobody could say: why. */
  readonly trouble: string | undefined;
  /** By own address: pass, fail, softfail, neutral, none, permerror, temperror. */
  readonly results: ReadonlyMap<string, string>;
}

export interface TextFacts {
  readonly texts: Seen<readonly string[]>;
  /** What stands where a panel puts it that adds the zone's name to a whole name; asked where nothing was found. */
  readonly doubled: Seen<readonly string[]> | undefined;
}

export interface ServiceFacts {
  readonly records: Seen<Srv>;
  /** By target: the alias that it is. */
  readonly aliases: ReadonlyMap<string, Seen<string>>;
}

export interface NetworkFacts {
  /** Visits to port 25 of our own mail hosts, by address; empty where none was paid. */
  readonly doors: readonly DoorVisit[];
  /** Why no visit was paid. */
  readonly notVisited: string | undefined;
  /** A call to port 25 of a stranger. */
  readonly outbound: Call | undefined;
  readonly lost: Known<readonly LostAddress[]>;
  readonly holders: Known<readonly PortHolder[]>;
}

export type Known<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'unknown'; readonly cause: string };

export interface Call {
  /** `mx.example.net (192.0.2.1) port 25`. */
  readonly place: string;
  /** `refused`: by a reset; `silent`: no answer in time; `unreachable`: no way there. */
  readonly outcome: 'open' | 'refused' | 'silent' | 'unreachable';
  readonly transcript: readonly string[];
}

export interface DoorVisit extends Call {
  readonly host: string;
  readonly address: string;
  /** The whole first line, `220 mx.example.org ESMTP`; undefined where none came. */
  readonly banner: string | undefined;
  /** Undefined: STARTTLS was not offered, or not reached. */
  readonly certificate:
    | { readonly names: readonly string[]; readonly matches: boolean; readonly until: string }
    | undefined;
  readonly startTls: boolean;
  /** RCPT to a stranger's address, and what was answered; nothing was sent. */
  readonly relay: readonly { readonly said: string; readonly reply: string }[];
  /** Port 443 answers where 25 does not: asked only then. */
  readonly web: boolean;
  /** It is one of our own hosts; a backup elsewhere is only called. */
  readonly ours: boolean;
}

export interface LostAddress {
  readonly replica: string;
  /** Undefined: this replica does not say. */
  readonly lost: boolean | undefined;
}

export interface PortHolder {
  readonly port: number;
  /** Name of the process, or of the program in its greeting; undefined: not readable. */
  readonly program: string | undefined;
  readonly pid: number | undefined;
}

/** The values that count, in the order of the answer; empty where there are none or nobody could say. */
export function values<T>(seen: Seen<T>): T[] {
  return seen.answer.kind === 'found' ? seen.answer.records.map(({ value }) => value) : [];
}

export function failure(seen: Seen<unknown>): string | undefined {
  return seen.answer.kind === 'failed' ? `${seen.type} of ${seen.name}: ${seen.answer.cause}` : undefined;
}

export function addressesOf(facts: NameFacts): string[] {
  return [...values(facts.a), ...values(facts.aaaa)];
}
