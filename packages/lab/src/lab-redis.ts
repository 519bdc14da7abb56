import { startRedis, type RedisServer } from './redis-server.ts';

/** The lab's Redis: found on PATH, named by URL, or none; an own one is started again when it dies. */
export interface LabRedis extends AsyncDisposable {
  /** Null: kicks travel through Postgres. */
  readonly url: string | null;
  /** Null when it is not ours. */
  readonly pid: number | null;
  /** For the start line: which queue backend this lab has, and why. */
  readonly description: string;
}

const NONE = 'BullMQ on Postgres';

/** @param choice `auto`, `none`, or a redis:// URL */
export async function openLabRedis(
  choice: string,
  hooks: { readonly onRestart: () => void },
): Promise<LabRedis> {
  if (choice === 'none') return still(null, NONE);
  if (choice !== 'auto') {
    if (!/^rediss?:\/\//.test(choice))
      throw new Error(`--redis takes auto, none or a redis:// URL, not "${choice}"`);
    return still(choice, 'BullMQ on Redis (the one that --redis names)');
  }
  let closing = false;
  let port: number | undefined;
  let server: RedisServer | undefined;
  let restarting: Promise<void> | undefined;
  const launch = async (): Promise<void> => {
    server = await startRedis({
      ...(port === undefined ? {} : { port }),
      onExit: () => {
        if (!closing) restarting = restart();
      },
    });
    if (server !== undefined) port = Number(new URL(server.url).port);
  };
  const restart = async (): Promise<void> => {
    while (!closing) {
      try {
        await launch();
        hooks.onRestart();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  };
  await launch();
  if (server === undefined) return still(null, `${NONE} (no redis-server or valkey-server on PATH)`);
  const { url } = server;
  return {
    url,
    get pid() {
      return server?.pid ?? null;
    },
    description: 'BullMQ on Redis (found on PATH)',
    async [Symbol.asyncDispose]() {
      closing = true;
      // One that is just starting is stopped too.
      await restarting;
      await server?.stop();
    },
  };
}

function still(url: string | null, description: string): LabRedis {
  return { url, pid: null, description, [Symbol.asyncDispose]: () => Promise.resolve() };
}
