import type { Reply } from '../reply.ts';
import type { Conversation } from './conversation.ts';
import { DataReader } from './data-reader.ts';
import { finalReplies } from './finals.ts';
import * as said from './replies.ts';

/** Octets of a BDAT that is coming in. */
interface Chunk {
  /** Still to come. */
  left: number;
  /** Undefined where the command was refused: its octets are thrown away. */
  readonly into: DataReader | undefined;
  readonly done: () => void;
}

/**
 * The message of a transaction while its octets come in: all behind DATA, or chunk by chunk behind BDAT
 * (RFC 3030). Then it is the session's, and the transaction ends with its answer.
 */
export class MessagePhase {
  readonly #c: Conversation;
  #data: DataReader | undefined;
  /** What the BDATs of this transaction have brought so far. */
  #chunked: DataReader | undefined;
  #chunk: Chunk | undefined;
  #skipped = 0;

  constructor(c: Conversation) {
    this.#c = c;
  }

  /** The next octets are a message's, not a command's. */
  get reading(): boolean {
    return this.#data !== undefined || this.#chunk !== undefined;
  }

  /** A message has begun to come in; between two BDATs too. */
  get open(): boolean {
    return this.reading || this.#chunked !== undefined;
  }

  /** The transaction has begun to send by BDAT. */
  get chunked(): boolean {
    return this.#chunked !== undefined;
  }

  /** Octets of what is coming in, to measure the client's pace. */
  get received(): number | undefined {
    if (this.#chunked !== undefined) return this.#chunked.received;
    return this.#chunk === undefined ? this.#data?.received : this.#skipped;
  }

  startData(): void {
    this.#data = this.#newReader(false);
  }

  /** The octets of a BDAT that is taken. */
  startChunk(size: number, last: boolean): void {
    this.#chunked ??= this.#newReader(true);
    const into = this.#chunked;
    // RFC 1870 §6.3: what will be too big is not even kept.
    if (into.size + size > this.#c.options.maxSize) into.refuse('size');
    this.#begin({ left: size, into, done: () => this.#chunkRead(into, size, last) });
  }

  /** The octets of a BDAT that is refused: they come all the same (RFC 3030 §2), and the reply comes behind them. */
  skipChunk(size: number, done: () => void): void {
    if (this.#chunked === undefined) this.#c.startPace();
    this.#skipped = 0;
    this.#begin({ left: size, into: undefined, done });
  }

  /** Takes octets of the message: where they end, or -1 when all were taken and it goes on. */
  read(octets: Buffer, at: number): number {
    if (this.#chunk !== undefined) return this.#readChunk(octets, at, this.#chunk);
    const data = this.#data;
    if (data === undefined) return at;
    const end = data.read(octets, at);
    if (end === -1) return -1;
    this.#data = undefined;
    this.#noteOctets(data.received);
    this.#complete(data);
    return end;
  }

  /** Forgets what has come of a message. */
  drop(): void {
    this.#data?.release();
    this.#chunked?.release();
    this.#data = this.#chunked = this.#chunk = undefined;
  }

  #newReader(counted: boolean): DataReader {
    const { options, limits } = this.#c;
    const { maxSize, bareLineEnds, budget } = options;
    this.#c.startPace();
    const normalise = bareLineEnds === 'normalise';
    return new DataReader({ maxSize, maxLine: limits.dataLine, normalise, budget, counted });
  }

  #begin(chunk: Chunk): void {
    this.#chunk = chunk;
    if (chunk.left === 0) this.#endChunk(chunk);
  }

  #readChunk(octets: Buffer, at: number, chunk: Chunk): number {
    const end = Math.min(octets.length, at + chunk.left);
    chunk.left -= end - at;
    if (chunk.into === undefined) this.#skipped += end - at;
    else chunk.into.read(end === octets.length ? octets : octets.subarray(0, end), at);
    if (chunk.left > 0) return -1;
    this.#endChunk(chunk);
    return end;
  }

  #endChunk(chunk: Chunk): void {
    this.#chunk = undefined;
    chunk.done();
  }

  #chunkRead(into: DataReader, size: number, last: boolean): void {
    this.#noteOctets(size);
    const c = this.#c;
    if (last) {
      into.finish();
      this.#chunked = undefined;
      this.#complete(into);
    } else if (into.fault !== undefined) {
      c.refusal(said.DATA_FAULTS[into.fault]);
      c.spoilTransaction();
    } else if (size === 0) c.junk(said.chunkTaken(0));
    else c.say(said.chunkTaken(size));
  }

  #noteOctets(count: number): void {
    this.#c.transcript?.client(`... ${count} octets ...`);
  }

  #complete(data: DataReader): void {
    const { fault } = data;
    if (fault !== undefined) {
      this.#answer(data, said.DATA_FAULTS[fault]);
      return;
    }
    const message = { chunks: data.chunks(), size: data.size };
    const { session, options, peer } = this.#c;
    this.#c.answer(
      'message',
      async () => {
        try {
          return await session.message(message);
        } catch (error) {
          options.onError?.(error, 'message', peer);
          return said.UNEXPECTED;
        } finally {
          // Here, for a client that has left meanwhile gets no answer.
          data.release();
        }
      },
      (answer) => this.#answer(data, answer),
    );
  }

  #answer(data: DataReader, answer: Reply | readonly Reply[]): void {
    const c = this.#c;
    data.release();
    const { replies, complete } = finalReplies(c.options.protocol, answer, c.transaction?.recipients ?? 0);
    if (!complete) c.options.onError?.(new Error('a recipient got no answer'), 'message', c.peer);
    c.reset();
    const refused = replies.find((one) => one.code >= 400);
    if (replies.some((one) => one.code < 400)) c.tally.accepted();
    for (const one of replies.slice(0, -1)) c.say(one);
    const last = replies.at(-1) ?? said.UNEXPECTED;
    if (refused === undefined || replies.length > 1) c.say(last);
    else c.refusal(last);
  }
}
