import { setTimeout as wait } from 'node:timers/promises';

/** Resolves after `ms`, or as soon as the signal says stop; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return wait(ms, undefined, { signal }).catch(() => undefined);
}
