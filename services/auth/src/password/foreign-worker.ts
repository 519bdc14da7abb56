import { parentPort } from 'node:worker_threads';
import { verifyForeign } from './schemes.ts';

/** The thread that compares passwords with foreign hashes: one after the other, each to its end. */
export interface ForeignJob {
  readonly id: number;
  /** As typed, and in NFC where that differs. */
  readonly spellings: readonly string[];
  readonly stored: string;
}
export interface ForeignVerdict {
  readonly id: number;
  readonly fits: boolean;
}

parentPort?.on('message', ({ id, spellings, stored }: ForeignJob) => {
  let fits = false;
  try {
    fits = spellings.some((spelling) => verifyForeign(Buffer.from(spelling, 'utf8'), stored));
  } catch {
    // What cannot be compared does not fit.
  }
  parentPort?.postMessage({ id, fits } satisfies ForeignVerdict);
});
