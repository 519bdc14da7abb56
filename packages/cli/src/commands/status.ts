import type { Command } from '../command-table.ts';
import { openOperatorPool } from '../operator-pool.ts';
import { parse } from '../options.ts';
import { readDatabase, type DatabaseStatus } from '../status/database.ts';
import { DEFAULT_OPS, findReplicas, type Place } from '../status/find-replicas.ts';
import { renderStatus, type Status } from '../status/render.ts';
import { distinct, type Reading, readReplica, replicaOf } from '../status/replica.ts';
import { toDo } from '../status/to-do.ts';
import { pause } from '../pause.ts';
import { EXIT, UsageError } from '../usage.ts';

const USAGE = `waybill status          every replica of every agent, the queue, the connections to Postgres, and what is to do
  --watch         again every 2 s, until Ctrl-C
  --json          for programs; with --watch one line each time
  --data DIR      of a running lab
Elsewhere: WAYBILL_OPS names the ops ports (default ${DEFAULT_OPS}):
each address of each name is one replica. WAYBILL_DATABASE_URL (or _FILE), as operator, is for the queue.
Rates and cpu are taken between two looks, 1 s apart. Sessions of mta: recipients in hand.
Exit code: 0 every replica is ready and nothing is to do; 4 something is to do.`;

/** Between the two looks that rates are taken from, ms. */
const LOOK_MS = 1000;
const WATCH_MS = 2000;

/** Asks the replicas' own ops ports and Postgres; it changes nothing. */
export const status: Command = {
  usage: USAGE,
  async run(args) {
    const parsed = parse(args, { watch: false, json: false, data: true });
    if (parsed.words.length > 0) throw new UsageError('status takes no words');
    const lab = parsed.value('data');
    const places = async (): Promise<Place[]> =>
      lab === undefined ? findReplicas(process.env['WAYBILL_OPS'] ?? DEFAULT_OPS) : labPlaces(lab);
    const watch = parsed.flag('watch');
    const print = (now: Status): void => {
      const clear = watch && process.stdout.isTTY && !parsed.flag('json') ? '\u001B[H\u001B[2J' : '';
      process.stdout.write(clear + (parsed.flag('json') ? `${JSON.stringify(now)}\n` : renderStatus(now)));
    };
    // Without a database there is still much to see.
    const pool = await openOperatorPool(lab).catch((error: unknown) => error as Error);
    const database = async (): Promise<DatabaseStatus | Error> =>
      pool instanceof Error ? pool : readDatabase(pool).catch((error: unknown) => error as Error);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    try {
      let before = await readAll(await places());
      for (let wait = LOOK_MS; ; wait = WATCH_MS) {
        await pause(wait, stop.signal);
        if (stop.signal.aborted) return EXIT.done;
        const now = await readAll(await places());
        const earlier = new Map(before.map((reading) => [reading.place.address, reading]));
        const replicas = distinct(
          now.map((reading) => replicaOf(earlier.get(reading.place.address), reading)),
        );
        const stored = await database();
        const todo = toDo(replicas, stored);
        print({
          at: new Date().toISOString(),
          replicas,
          database: stored instanceof Error ? undefined : stored,
          todo,
        });
        if (!watch) return todo.length === 0 ? EXIT.done : EXIT.toDo;
        before = now;
      }
    } finally {
      if (!(pool instanceof Error)) await pool.end();
    }
  },
};

function readAll(places: readonly Place[]): Promise<Reading[]> {
  return Promise.all(places.map(readReplica));
}

/** Loaded only when asked for: the lab brings much along. */
async function labPlaces(folder: string): Promise<Place[]> {
  const { readLabFile } = await import('@waybill/lab');
  return Object.entries(readLabFile(folder).replicas).flatMap(([name, replicas]) =>
    replicas.map((replica) => ({ name, address: `127.0.0.1:${replica['ops']}` })),
  );
}
