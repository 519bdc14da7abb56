import type pg from 'pg';
import { isItemFault, plainArray, storable, textArray } from '@waybill/postgres';
import type { Journey, JourneyEvent } from './event.ts';

/**
 * The recorder that every agent holds. It promises to cost next to nothing and to delay nothing:
 * what is recorded waits in a bounded buffer and is written in batches; when the database is away
 * the oldest goes first.
 */
export interface JourneyOptions {
  /** `mx`, `mta`, … */
  readonly agent: string;
  /** This process among its replicas, e.g. `mta-1`. */
  readonly instance: string;
  /** Told how many events were lost, with the reason. */
  readonly onDrop?: (count: number, error: unknown) => void;
  /** Events that wait at most; 10,000 when not given. */
  readonly limit?: number;
}

const FLUSH_MS = 100;
const BATCH = 200;
/** Octets of one transcript, and of all that wait. */
const TRANSCRIPT_LIMIT = 64 * 1024;
const TRANSCRIPTS_LIMIT = 8 * 1024 * 1024;
/** Characters of one text. */
const TEXT_LIMIT = 1000;
/** A write that failed for the connection's sake is tried again after this long. */
const RETRY_MS = 1000;

interface Stamped {
  readonly at: number;
  readonly seq: number;
  readonly event: JourneyEvent;
}

interface Transcript {
  readonly at: number;
  readonly sessionId: string;
  readonly journeyId: string | undefined;
  readonly text: string;
}

/** @param pool the agent's own; one connection is used, now and then */
export function openJourney(pool: pg.Pool, options: JourneyOptions): Journey {
  return new Recorder(pool, options);
}

class Recorder implements Journey {
  readonly #pool: pg.Pool;
  readonly #options: JourneyOptions;
  readonly #limit: number;
  #events: Stamped[] = [];
  #transcripts: Transcript[] = [];
  #transcriptSize = 0;
  #seq = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(pool: pg.Pool, options: JourneyOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#limit = options.limit ?? 10_000;
  }

  record(event: JourneyEvent): void {
    if (this.#closed) return;
    this.#events.push({ at: Date.now(), seq: ++this.#seq, event });
    if (this.#events.length > this.#limit) {
      const lost = Math.max(1, this.#limit >> 3);
      this.#events.splice(0, lost);
      this.#options.onDrop?.(lost, new Error('the journey buffer is full'));
    }
    this.#arm(this.#events.length >= BATCH ? 0 : FLUSH_MS);
  }

  transcript(sessionId: string, journeyId: string | undefined, text: string): void {
    if (this.#closed) return;
    const bounded = bound(text);
    this.#transcripts.push({ at: Date.now(), sessionId, journeyId, text: bounded });
    this.#transcriptSize += bounded.length;
    while (this.#transcriptSize > TRANSCRIPTS_LIMIT)
      this.#transcriptSize -= this.#transcripts.shift()?.text.length ?? this.#transcriptSize;
    this.#arm(FLUSH_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    // One try for each batch: the agent is going, and nothing here is worth waiting for.
    while (this.#events.length > 0 || this.#transcripts.length > 0) {
      const before = this.#events.length + this.#transcripts.length;
      await this.#write();
      if (this.#events.length + this.#transcripts.length >= before) {
        this.#options.onDrop?.(before, new Error('the database was away at the end'));
        return;
      }
    }
  }

  #arm(delayMs: number): void {
    if (this.#writing !== undefined) return;
    if (this.#timer !== undefined) {
      if (delayMs > 0) return;
      clearTimeout(this.#timer);
    }
    this.#timer = setTimeout(() => this.#flush(), delayMs).unref();
  }

  #flush(): void {
    this.#timer = undefined;
    this.#writing = this.#write().then((again) => {
      this.#writing = undefined;
      if (this.#closed || this.#events.length + this.#transcripts.length === 0) return;
      this.#arm(again ? RETRY_MS : this.#events.length >= BATCH ? 0 : FLUSH_MS);
    });
  }

  /** Writes one batch. Answers whether the server was away, and the batch is back in the buffer. Never rejects. */
  async #write(): Promise<boolean> {
    const events = this.#events.splice(0, BATCH);
    const transcripts = this.#transcripts.splice(0);
    this.#transcriptSize = 0;
    try {
      if (events.length > 0) await this.#pool.query(insertEvents(this.#options, events));
      events.length = 0;
      if (transcripts.length > 0) await this.#pool.query(insertTranscripts(this.#options, transcripts));
      return false;
    } catch (error) {
      if (isItemFault(error)) {
        this.#options.onDrop?.(events.length, error);
        return false;
      }
      this.#events.unshift(...events);
      const over = this.#events.length - this.#limit;
      if (over > 0) {
        this.#events.splice(0, over);
        this.#options.onDrop?.(over, error);
      }
      return true;
    }
  }
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

function insertEvents(options: JourneyOptions, stamped: readonly Stamped[]): pg.QueryConfig {
  const text = (pick: (event: JourneyEvent) => string | undefined): string =>
    textArray(stamped.map(({ event }) => pick(event)?.slice(0, TEXT_LIMIT)));
  return {
    name: 'journey.events',
    text: EVENTS,
    values: [
      options.agent,
      options.instance,
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

function insertTranscripts(options: JourneyOptions, transcripts: readonly Transcript[]): pg.QueryConfig {
  return {
    name: 'journey.transcripts',
    text: TRANSCRIPTS,
    values: [
      options.agent,
      options.instance,
      plainArray(transcripts.map(({ at }) => at)),
      textArray(transcripts.map(({ sessionId }) => sessionId)),
      plainArray(transcripts.map(({ journeyId }) => uuidOrNull(journeyId))),
      textArray(transcripts.map(({ text }) => text)),
    ],
  };
}

/** The beginning and the end of a long conversation: what was asked for, and how it ended. */
function bound(text: string): string {
  if (text.length <= TRANSCRIPT_LIMIT) return text;
  const head = text.slice(0, TRANSCRIPT_LIMIT * 0.75);
  const tail = text.slice(text.length - TRANSCRIPT_LIMIT * 0.25 + 64);
  return `${head}\n… ${text.length - head.length - tail.length} characters left out …\n${tail}`;
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
