import type { DatabaseStatus } from './database.ts';
import type { Replica } from './replica.ts';

/** Mail that is due waits no longer than this where all is well, s. */
const WAITS_LONG = 60;
/** Certificates are renewed earlier than this. */
const EXPIRES_SOON_MS = 7 * 86_400_000;
/** Share of the connections that Postgres takes. */
const CROWDED = 0.9;

/** What an operator should look at, in sentences; empty when there is nothing. A pure function of what was read. */
export function toDo(
  replicas: readonly Replica[],
  database: DatabaseStatus | Error,
  now = Date.now(),
): string[] {
  const all: string[] = [];
  const agents = Map.groupBy(replicas, (replica) => replica.agent);
  for (const [agent, own] of agents) {
    if (!own.some((replica) => replica.state === 'ready')) all.push(`no replica of ${agent} is ready`);
    for (const { instance, state, why } of own) {
      if (state === 'unreachable') all.push(`${agent} ${instance} cannot be asked: ${why ?? 'no answer'}`);
      else if (state === 'not ready')
        all.push(`${agent} ${instance} is not ready: it waits for what it depends on, its log says for what`);
      else if (state === 'draining') all.push(`${agent} ${instance} is stopping`);
    }
  }
  const versions = [...new Set(replicas.flatMap(({ version }) => version ?? []))];
  if (versions.length > 1)
    all.push(`several versions run: ${versions.toSorted().join(', ')}; finish the upgrade`);
  for (const { agent, instance, certificateExpires, unhandledErrors } of replicas) {
    if (certificateExpires !== undefined && Date.parse(certificateExpires) - now < EXPIRES_SOON_MS)
      all.push(`the certificate of ${agent} ${instance} expires on ${certificateExpires.slice(0, 10)}`);
    if (unhandledErrors !== undefined && unhandledErrors > 0)
      all.push(`${agent} ${instance} met ${unhandledErrors} error(s) that no code handled: see its log`);
  }
  if (database instanceof Error) {
    // Where each address of a name refuses, the errors are many and have no text of their own.
    const said = database.message === '' ? (database as NodeJS.ErrnoException).code : database.message;
    all.push(`Postgres cannot be asked: ${said ?? 'no reason was given'}`);
    return all;
  }
  const { queue, connections } = database;
  if (queue.oldestDueSeconds > WAITS_LONG)
    all.push(
      `mail that is due waits for ${Math.round(queue.oldestDueSeconds)} s: look at mta and mda, or scale mta`,
    );
  if (connections.used > connections.max * CROWDED)
    all.push(
      `${connections.used} of ${connections.max} connections to Postgres are used: fewer replicas, a smaller WAYBILL_DATABASE_POOL, or a pooler`,
    );
  return all;
}
