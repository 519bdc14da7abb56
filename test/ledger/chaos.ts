import net from 'node:net';
import type { World } from '@waybill/lab';

/** Trouble, on a schedule: agents killed in turn, Redis flushed, Postgres crashed. Counts what it did. */
export interface ChaosPlan {
  /** Seconds over which everything happens. */
  readonly seconds: number;
  /** Kills of each agent (not of each replica). */
  readonly killsPerAgent: number;
  readonly flushes: number;
  readonly crashes: number;
}

export interface ChaosReport {
  readonly kills: Readonly<Record<string, number>>;
  readonly flushes: number;
  readonly crashes: number;
}

const VICTIMS = ['mx', 'msa', 'mta', 'mda', 'mra', 'auth'] as const;

export async function runChaos(world: World, plan: ChaosPlan, until: AbortSignal): Promise<ChaosReport> {
  const kills: Record<string, number> = Object.fromEntries(VICTIMS.map((agent) => [agent, 0]));
  let flushes = 0;
  let crashes = 0;
  const events: { at: number; act: () => Promise<void> }[] = [];
  const spread = (count: number, act: (index: number) => Promise<void>): void => {
    for (let i = 0; i < count; i++)
      events.push({
        at: ((i + 0.5 + (Math.random() - 0.5) * 0.4) / count) * plan.seconds * 1000,
        act: () => act(i),
      });
  };
  spread(plan.killsPerAgent * VICTIMS.length, async (index) => {
    const agent = VICTIMS[index % VICTIMS.length] ?? 'mx';
    const replicas = world.replicasOf(agent);
    const victim = replicas[Math.floor(index / VICTIMS.length) % replicas.length];
    if (victim === undefined) return;
    const process = world.agent(victim.name);
    await process.whenReady();
    process.kill('SIGKILL');
    kills[agent] = (kills[agent] ?? 0) + 1;
  });
  if (world.redis.url !== null) {
    const { url } = world.redis;
    spread(plan.flushes, async () => {
      await flushAll(url);
      flushes++;
    });
  }
  spread(plan.crashes, async () => {
    await world.database.crash();
    crashes++;
  });
  events.sort((a, b) => a.at - b.at);
  const began = Date.now();
  for (const event of events) {
    await pauseUntil(began + event.at, until);
    if (until.aborted) break;
    await event.act();
  }
  return { kills, flushes, crashes };
}

async function flushAll(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  await new Promise<void>((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.write('FLUSHALL\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

async function pauseUntil(time: number, until: AbortSignal): Promise<void> {
  const ms = time - Date.now();
  if (ms <= 0 || until.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    until.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
