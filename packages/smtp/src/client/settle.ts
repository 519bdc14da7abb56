import { setTimeout as pause } from 'node:timers/promises';

/** Between two questions about a message whose answer was lost, ms; the last one repeated. */
const PAUSES = [0, 250, 500, 1000];
const USUAL_MS = 30_000;

/**
 * Asks again what became of a message whose answer to the final dot was lost. Only for one of our own agents, which
 * takes an id once.
 * @param ms for how long, 30,000 when not given; asked once at least
 * @returns the first answer that tells; undefined when none did
 */
export async function settle<T>(
  ask: () => Promise<T>,
  tells: (answer: T) => boolean,
  ms = USUAL_MS,
): Promise<T | undefined> {
  const deadline = performance.now() + ms;
  for (let i = 0; ; i++) {
    await pause(PAUSES[Math.min(i, PAUSES.length - 1)]);
    const answer = await ask();
    if (tells(answer)) return answer;
    if (performance.now() > deadline) return undefined;
  }
}
