import pg from 'pg';

/** What a broken connection means, and how long to go on asking. */

/** A statement that the server refused was not committed. One that got no answer, or only the news that the server is going down, may have been. */
export function isLostConnection(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return false;
  if (!(error instanceof pg.DatabaseError)) return true;
  // SQLSTATE classes: 08 connection, 57P operator intervention that ends the session.
  return /^(08|57P)/.test(error.code ?? '');
}

/**
 * Repeats work that may be done twice until the server answers: 50 ms later, then at doubling
 * intervals up to a second.
 * @throws the last error when it is not one of the connection, or `patienceMs` has passed
 */
export async function untilAnswered<T>(work: () => Promise<T>, patienceMs: number): Promise<T> {
  let deadline: number | undefined;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
    try {
      return await work();
    } catch (error) {
      deadline ??= performance.now() + patienceMs;
      if (!isLostConnection(error) || performance.now() + pauseMs > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
