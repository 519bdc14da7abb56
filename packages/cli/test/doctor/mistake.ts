import type { Groups } from './scripted-world.ts';

/** One mistake in a domain's zone, what the doctor must find, and what it must say to do. */
export interface Mistake {
  /** For people, and the domain's first label. */
  readonly what: string;
  readonly slug: string;
  /** Lines in the place of good ones; {d} is the domain, {a} its address. */
  readonly zone: Partial<Groups>;
  /** The names of the address, in the place of the host's. */
  readonly ptr?: string;
  /** All that is not well, the one it is about first. */
  readonly finds: readonly string[];
  /** The fix text of the first, whole or its beginning; {d} and {a} as above. */
  readonly says: string;
  /** Among the records to publish, as a zone line. */
  readonly publishes?: string;
}
