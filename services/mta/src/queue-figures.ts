import type { SpoolUpkeep } from '@waybill/spool';

type Figures = Awaited<ReturnType<SpoolUpkeep['figures']>>;

/** One reading serves every gauge of a scrape, ms. */
const LIFE = 1000;
/** Half of what a scrape may take: a database that is away hides the queue, not what mta counts itself. */
const PATIENCE = 2000;

/** The queue's figures for gauges: read once per scrape, NaN when the database does not answer within `patience` ms. */
export function queueFigures(
  read: () => Promise<Figures>,
  patience = PATIENCE,
): (name: keyof Figures) => Promise<number> {
  let reading: Promise<Figures | undefined> | undefined;
  let asked = false;
  let readAt = Number.NEGATIVE_INFINITY;
  return async (name) => {
    const now = performance.now();
    if (reading === undefined || now - readAt > LIFE) {
      readAt = now;
      // What an earlier scrape did not wait for is not asked a second time beside it.
      reading = asked ? Promise.resolve(undefined) : within(patience, ask());
    }
    return (await reading)?.[name] ?? Number.NaN;
  };

  async function ask(): Promise<Figures | undefined> {
    asked = true;
    try {
      return await read();
    } catch {
      return undefined;
    } finally {
      asked = false;
    }
  }
}

function within<T>(ms: number, answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
