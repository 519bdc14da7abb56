import pino from 'pino';

export type Log = pino.Logger;

/** JSON lines on standard output, one per event; every field of foreign origin is cut to 256 characters by its writer. */
export function openLog(
  agent: string,
  instance: string,
  level: string,
): { log: Log; flush: () => Promise<void> } {
  const destination = pino.destination({ dest: 1, sync: false });
  const log = pino(
    {
      level,
      base: { agent, instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const flush = (): Promise<void> =>
    new Promise((resolve) => {
      destination.flush(() => resolve());
    });
  return { log, flush };
}
