import type { Journey } from './event.ts';

/** For an agent without a database: it logs, and the journey begins with who has one. */
export const NO_JOURNEY: Journey = {
  record: () => undefined,
  transcript: () => undefined,
  close: () => Promise.resolve(),
};
