import fs from 'node:fs';
import { openPool } from '@waybill/postgres';
import { openOperatorPool } from './operator-pool.ts';
import type { Parsed } from './options.ts';
import { UsageError } from './usage.ts';

/** The databases in which a journey is looked for, opened; all are closed with it. */
export interface JourneyDatabases extends AsyncDisposable {
  readonly machines: readonly { readonly name: string; readonly pool: ReturnType<typeof openPool> }[];
}

/**
 * Those of `--database` when there are any; else the one of the lab or the environment, and those of
 * WAYBILL_JOURNEY_DATABASES (parted by spaces) with it.
 * @throws UsageError for one that cannot be understood, Error when there is none
 */
export async function openJourneyDatabases(parsed: Parsed): Promise<JourneyDatabases> {
  const asked = parsed.all('database');
  const further = (process.env['WAYBILL_JOURNEY_DATABASES'] ?? '').split(/\s+/).filter((one) => one !== '');
  await using opening = new AsyncDisposableStack();
  const keep = (pool: ReturnType<typeof openPool>): ReturnType<typeof openPool> =>
    opening.adopt(pool, (open) => open.end());
  const machines: { name: string; pool: ReturnType<typeof openPool> }[] = [];
  const ownIsAsked = asked.length === 0 && (further.length === 0 || hasOwn(parsed));
  if (ownIsAsked) machines.push({ name: 'here', pool: keep(await openOperatorPool(parsed.value('data'))) });
  for (const one of asked.length > 0 ? asked : further) {
    const { name, url } = readDatabase(one);
    machines.push({ name, pool: keep(openPool(url, { size: 2, name: 'waybill tool' })) });
  }
  const open = opening.move();
  return { machines, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

function hasOwn(parsed: Parsed): boolean {
  return [
    parsed.value('data'),
    process.env['WAYBILL_DATABASE_URL'],
    process.env['WAYBILL_DATABASE_URL_FILE'],
  ].some((one) => one !== undefined && one !== '');
}

/**
 * Reads `name=place` or `place`: a connection string, or a file that holds one (nobody then sees the password in the
 * list of processes). Without a name the machine is called by its host.
 * @throws UsageError that does not tell a password
 */
export function readDatabase(text: string): { readonly name: string; readonly url: string } {
  const equals = text.indexOf('=');
  const named = equals > 0 && /^[\w.-]+$/.test(text.slice(0, equals));
  const place = named ? text.slice(equals + 1) : text;
  let url = place;
  if (!isUrl(place)) {
    try {
      url = fs.readFileSync(place, 'utf8').trimEnd();
    } catch (error) {
      throw new UsageError(
        `--database: ${JSON.stringify(place.split('@').at(-1))} is neither postgres://… nor a file that can be read (${(error as NodeJS.ErrnoException).code})`,
      );
    }
  }
  const parsed = URL.parse(url);
  if (!isUrl(url) || parsed === null)
    throw new UsageError('--database: not a connection string postgres://…');
  return { name: named ? text.slice(0, equals) : parsed.host === '' ? 'local' : parsed.host, url };
}

function isUrl(text: string): boolean {
  return text.startsWith('postgres://') || text.startsWith('postgresql://');
}
