import { execFileSync } from 'node:child_process';
import { type Finding, type Needle, search } from './needles.ts';

/** Everything that a running deployment shows of itself to whoever can look at its containers. */
const ASK_METRICS = "fetch('http://127.0.0.1:9090/metrics').then(async (r) => console.log(await r.text()))";

export interface Container {
  readonly id: string;
  readonly name: string;
  /** Answers /metrics on 9090, and has node to ask with. */
  readonly agent: boolean;
  readonly running: boolean;
}

/** Searches the configuration, environment, arguments, logs and metrics of containers. */
export function searchContainers(containers: readonly Container[], needles: readonly Needle[]): Finding[] {
  return containers.flatMap((container) => {
    const { id, name } = container;
    const places: [what: string, hay: Buffer][] = [
      ['docker inspect', docker('inspect', id)],
      ['log', docker('logs', id)],
    ];
    if (container.running)
      places.push(
        // Of process 1, as the engine started it, and of what it became.
        ['environment', docker('exec', id, 'cat', '/proc/1/environ')],
        ['arguments', docker('top', id, '-eo', 'pid,args')],
      );
    if (container.running && container.agent)
      places.push(['metrics', docker('exec', id, 'node', '-e', ASK_METRICS)]);
    return places.flatMap(([what, hay]) => search(`${name}: ${what}`, hay, needles));
  });
}

/** Both outputs: logs come on both. */
function docker(...args: string[]): Buffer {
  return execFileSync('sh', ['-c', 'exec docker "$@" 2>&1', 'sh', ...args], {
    timeout: 60_000,
    maxBuffer: 256 * 1024 * 1024,
  });
}
