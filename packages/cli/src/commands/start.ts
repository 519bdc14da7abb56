import { parseArgs } from 'node:util';
import { openPool } from '@waybill/postgres';
import { renderJourney, traceJourney } from '@waybill/journey';
import { AGENTS, type AgentName, type LabUser, World } from '@waybill/lab';
import { curlLines } from '../curl-lines.ts';
import { readBySubject, submit } from '../first-message.ts';
import { migrateAll } from '../migrations.ts';
import { UsageError } from '../usage.ts';

/**
 * `waybill start`: boots the lab, sends a real message through every agent, shows its journey,
 * and stays up until Ctrl-C or SIGTERM.
 */
export const START_USAGE = `waybill start [options]     boot a whole mail world on this machine
  --once                send one message, print its journey, end (0, or 1 with the reason)
  --data DIR            keep the world between runs (default: a temporary folder)
  --port-base N         mx on N+525, IMAP on N+143, … (default 2000; 0: free ports)
  --replicas a=n,b=n    how many of each agent (default 1)
  --redis auto|URL|none who carries the kicks (default auto: a redis-server on PATH, else Postgres)
  --retry-schedule S    seconds between attempts, comma-separated (default 3,6,12,30,60)
  --verbose             print the agents' log (it is always in DIR/lab.log)`;

/** How long `--once` may take from the first line to the journey. */
const ONCE_SECONDS = 60;

export async function start(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      data: { type: 'string' },
      'port-base': { type: 'string' },
      replicas: { type: 'string', default: '' },
      redis: { type: 'string', default: 'auto' },
      'retry-schedule': { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const portBase = values['port-base'] === undefined ? undefined : Number(values['port-base']);
  if (portBase !== undefined && !(Number.isInteger(portBase) && portBase >= 0 && portBase <= 60_000)) {
    throw new UsageError(`--port-base takes a number from 0 to 60000, not "${values['port-base']}"`);
  }
  const replicas = parseReplicas(values.replicas);
  const began = Date.now();
  const stop = stopSignal();
  const patience = values.once
    ? setTimeout(() => fail(`no journey within ${ONCE_SECONDS} s`), ONCE_SECONDS * 1000)
    : undefined;
  await using world = await World.start({
    migrate: migrateAll,
    dataDir: values.data,
    replicas,
    redis: values.redis,
    ...(portBase === undefined ? {} : { portBase }),
    ...(values['retry-schedule'] === undefined ? {} : { retrySchedule: values['retry-schedule'] }),
    ...(values.verbose ? { onLine: (line: string) => void process.stderr.write(`${line}\n`) } : {}),
  });
  await world.addDomain('red.test', 'mx');
  await world.addDomain('blue.test', 'mx');
  const alice = await world.addUser('alice@red.test');
  const bob = await world.addUser('bob@blue.test');
  say(`Waybill's lab is up after ${seconds(began)}: ${world.agents.map((agent) => agent.name).join(' ')}`);
  say(`Queue: ${world.redis.description}. Everything is in ${world.dataDir} (lab.json, lab.log).\n`);

  const number = await firstJourney(world, alice, bob);
  clearTimeout(patience);
  if (values.once) return 0;
  say('\nTry it yourself:\n');
  say(curlLines(world, alice, bob, number + 1));
  say(`\nUsers: ${[alice, bob].map((user) => `${user.address} (password ${user.password})`).join(', ')}`);
  say(`Where is my message?  npx --yes pnpm@12 waybill journey <id> --data ${world.dataDir}`);
  say(`And my domain's DNS?   npx --yes pnpm@12 waybill doctor red.test --data ${world.dataDir}`);
  say('Ctrl-C ends everything.');
  await stop;
  return 0;
}

/** One message from `from` to `to`, and what every agent did with it; its number in the mailbox. @throws Error when it does not arrive. */
async function firstJourney(world: World, from: LabUser, to: LabUser): Promise<number> {
  const subject = `First message ${Date.now()}`;
  const id = await submit(world, from, to.address, subject, [
    'Hello Bob,',
    '',
    'this came through every agent. -- Alice',
  ]);
  const { number } = await readBySubject(world, to, subject, ONCE_SECONDS * 1000);
  const pool = openPool(world.operatorEnv['WAYBILL_DATABASE_URL'] ?? '', { size: 1, name: 'waybill start' });
  try {
    // Events are written in batches, a moment after the fact: the reader's is the last of this message.
    for (let tries = 0; ; tries++) {
      const [view] = await traceJourney(pool, id);
      const text = view === undefined ? '' : renderJourney(view);
      if (/\bMRA\b/.test(text) || tries > 100) {
        say(text);
        return number;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await pool.end();
  }
}

function parseReplicas(text: string): Partial<Record<AgentName, number>> {
  const counts: Partial<Record<AgentName, number>> = {};
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [agent = '', count = ''] = part.split('=');
    if (!(AGENTS as readonly string[]).includes(agent))
      throw new UsageError(`--replicas: there is no agent "${agent}", only ${AGENTS.join(', ')}`);
    if (!/^[1-9]\d?$/.test(count))
      throw new UsageError(`--replicas: ${agent} takes a number from 1 to 99, not "${count}"`);
    counts[agent as AgentName] = Number(count);
  }
  return counts;
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve();
      });
    }
  });
}

function fail(reason: string): never {
  process.stderr.write(`waybill start: ${reason}\n`);
  process.exit(1);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
