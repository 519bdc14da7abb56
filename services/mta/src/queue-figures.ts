import type { SpoolUpkeep } from '@waybill/spool';

type Figures = Awaited<ReturnType<SpoolUpkeep['figures']>>;

/** One reading serves every gauge of a scrape, ms. */
const LIFE = 1000;

/** The queue's figures for gauges: read once per scrape, NaN while the database is away. */
export function queueFigures(read: () => Promise<Figures>): (name: keyof Figures) => Promise<number> {
  let reading: Promise<Figures | undefined> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  return async (name) => {
    const now = performance.now();
    if (reading === undefined || now - readAt > LIFE) {
      readAt = now;
      reading = read().catch(() => undefined);
    }
    return (await reading)?.[name] ?? Number.NaN;
  };
}
