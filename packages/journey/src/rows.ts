import type pg from 'pg';
import { plainArray, storable, textArray } from '@waybill/postgres';
import type { JourneyEvent } from './event.ts';

/** Events and transcripts as rows: one set-based insert for a batch, and nothing in it that Postgres would refuse. */

/** Characters of one text. */
const TEXT_LIMIT = 1000;

export interface Author {
  readonly agent: string;
  readonly instance: string;
}

export interface Stamped {
  readonly at: number;
  readonly seq: number;
  readonly event: JourneyEvent;
}

export interface Transcript {
  readonly at: number;
  readonly sessionId: string;
  readonly journeyId: string | undefined;
  readonly text: string;
}

/**
 * The commit does not wait for the disk: a crash may lose the last events, mail never waits for them.
 * An id that is no UUID is left out rather than losing its batch.
 */
const EVENTS = `
with quick as materialized (select set_config('synchronous_commit', 'off', true))
insert into journey.event (at, seq, agent, instance, journey_id, kind, status, session_id, recipient, sender, message_id,
                           code, enhanced, summary, peer_host, peer_address, tls, next_id, took_ms, data)
select to_timestamp(at / 1000), seq, $1, $2, journey_id, kind, status, session_id, recipient, sender, message_id,
       code, enhanced, summary, peer_host, peer_address, tls, next_id, took_ms, data
  from quick, unnest($3::float8[], $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
              $11::text[], $12::int[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
              $19::real[], $20::jsonb[])
    as t(at, seq, journey_id, kind, status, session_id, recipient, sender, message_id, code, enhanced, summary,
         peer_host, peer_address, tls, next_id, took_ms, data)`;

export function insertEvents(author: Author, stamped: readonly Stamped[]): pg.QueryConfig {
  const text = (pick: (event: JourneyEvent) => string | undefined): string =>
    textArray(stamped.map(({ event }) => pick(event)?.slice(0, TEXT_LIMIT)));
  return {
    name: 'journey.events',
    text: EVENTS,
    values: [
      author.agent,
      author.instance,
      plainArray(stamped.map(({ at }) => at)),
      plainArray(stamped.map(({ seq }) => seq)),
      plainArray(stamped.map(({ event }) => uuidOrNull(event.journeyId))),
      text((event) => event.kind),
      text((event) => event.status),
      text((event) => event.sessionId),
      text((event) => event.recipient),
      text((event) => event.sender),
      text((event) => event.messageId),
      plainArray(stamped.map(({ event }) => integerOrNull(event.code))),
      text((event) => event.enhanced),
      text((event) => event.summary),
      text((event) => event.peerHost),
      text((event) => event.peerAddress),
      text((event) => event.tls),
      // Ids are compared as text, since a foreign hop's are no UUIDs: ours in one spelling.
      text(({ nextId }) => (nextId !== undefined && isUuid(nextId) ? nextId.toLowerCase() : nextId)),
      plainArray(stamped.map(({ event }) => event.tookMs)),
      textArray(stamped.map(({ event }) => (event.data === undefined ? undefined : json(event.data)))),
    ],
  };
}

const TRANSCRIPTS = `
with quick as materialized (select set_config('synchronous_commit', 'off', true))
insert into journey.transcript (at, agent, instance, session_id, journey_id, text)
select to_timestamp(at / 1000), $1, $2, session_id, journey_id, text
  from quick, unnest($3::float8[], $4::text[], $5::uuid[], $6::text[]) as t(at, session_id, journey_id, text)`;

export function insertTranscripts(author: Author, transcripts: readonly Transcript[]): pg.QueryConfig {
  return {
    name: 'journey.transcripts',
    text: TRANSCRIPTS,
    values: [
      author.agent,
      author.instance,
      plainArray(transcripts.map(({ at }) => at)),
      textArray(transcripts.map(({ sessionId }) => sessionId)),
      plainArray(transcripts.map(({ journeyId }) => uuidOrNull(journeyId))),
      textArray(transcripts.map(({ text }) => text)),
    ],
  };
}

/** Whether this is a UUID in its usual form. */
export function isUuid(text: string): boolean {
  if (text.length !== 36) return false;
  for (let i = 0; i < 36; i++) {
    const c = text.charCodeAt(i);
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (c !== 0x2d) return false;
    } else if (!((c >= 0x30 && c <= 0x39) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x66))) return false;
  }
  return true;
}

function uuidOrNull(id: string | undefined): string | null {
  return id !== undefined && isUuid(id) ? id : null;
}

function integerOrNull(code: number | undefined): number | null {
  return code !== undefined && Number.isSafeInteger(code) ? code : null;
}

/** JSON that Postgres takes: without NUL and lone surrogates, which jsonb refuses even escaped. */
function json(data: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return JSON.stringify(data, (_key, value: unknown) =>
      typeof value === 'string' ? storable(value) : typeof value === 'bigint' ? String(value) : value,
    );
  } catch {
    return undefined;
  }
}
