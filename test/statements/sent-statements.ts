import path from 'node:path';
import pg from 'pg';

/**
 * Listens to what this process sends to Postgres: each text with the line of our source that sent it.
 * Installed before any pool is opened; it changes nothing of what is sent.
 */
export interface Sent {
  readonly text: string;
  /** `packages/spool/src/claim.ts:67` */
  readonly from: string;
}

const ROOT = path.join(import.meta.dirname, '../..');
const SOURCE = /packages\/(?:spool|mailstore)\/src\/[\w./-]+:\d+/;

/** Starts listening; the array grows as statements are sent. */
export function listenToStatements(): readonly Sent[] {
  const sent: Sent[] = [];
  for (const prototype of [pg.Client.prototype, pg.Pool.prototype] as { query: unknown }[]) {
    const query = prototype.query as (...args: unknown[]) => unknown;
    prototype.query = function listened(this: unknown, ...args: unknown[]): unknown {
      const [what] = args;
      const text = typeof what === 'string' ? what : ((what as { text?: string } | undefined)?.text ?? '');
      const from = SOURCE.exec(new Error('where from').stack?.replaceAll(`${ROOT}/`, '') ?? '')?.[0];
      if (from !== undefined && text !== '') sent.push({ text, from });
      return query.apply(this, args);
    };
  }
  return sent;
}
