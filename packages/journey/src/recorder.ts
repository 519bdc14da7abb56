import type pg from 'pg';
import { isItemFault } from '@waybill/postgres';
import type { Journey, JourneyEvent } from './event.ts';
import { insertEvents, insertTranscripts, type Stamped, type Transcript } from './rows.ts';

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
/** A write that failed for the connection's sake is tried again after this long. */
const RETRY_MS = 1000;

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

/** The beginning and the end of a long conversation: what was asked for, and how it ended. */
function bound(text: string): string {
  if (text.length <= TRANSCRIPT_LIMIT) return text;
  const head = text.slice(0, TRANSCRIPT_LIMIT * 0.75);
  const tail = text.slice(text.length - TRANSCRIPT_LIMIT * 0.25 + 64);
  return `${head}\n… ${text.length - head.length - tail.length} characters left out …\n${tail}`;
}
