/** When a recipient is tried again; pure. */

export type Next = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'expire' };

/**
 * Trouble of our own agents (mda away, database away) passes in seconds, so local mail that no
 * mailbox's owner is to blame for is tried again soon. Seconds.
 */
export const OWN_TROUBLE: readonly number[] = [1, 2, 5, 10, 30, 60];

/** @param setting seconds with commas @throws RangeError for anything else */
export function parseSchedule(setting: string): readonly number[] {
  const steps = setting.split(',').map((step) => (step.trim() === '' ? Number.NaN : Number(step)));
  if (steps.length > 50 || steps.some((step) => !(step >= 0 && step <= 86_400)))
    throw new RangeError(`WAYBILL_RETRY_SCHEDULE: not a list of seconds up to a day: ${setting}`);
  return steps;
}

/**
 * @param attempts attempts before the one that just ended
 * @param now and `expiresAt`: ms since the epoch
 * @param random 0 ≤ n < 1: stretches the delay by up to a sixth, so that mail that failed together does not come back together
 */
export function nextAttempt(
  steps: readonly number[],
  attempts: number,
  now: number,
  expiresAt: number,
  random: number,
): Next {
  if (now >= expiresAt) return { kind: 'expire' };
  const step = steps[Math.min(attempts, steps.length - 1)] ?? 3600;
  return { kind: 'retry', delayMs: Math.round(step * 1000 * (1 + random / 6)) };
}
