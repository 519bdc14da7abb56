import { parseArgs } from 'node:util';
import { expressions } from './what-is-shipped.ts';

/**
 * Asks a running Prometheus everything that rules and dashboards ask:
 *
 *     node test/observe/ask-prometheus.ts http://127.0.0.1:9090
 *
 * Says what it could not answer and what it had no samples for; exits 1 when a query failed.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const prometheus = positionals[0] ?? 'http://127.0.0.1:9090';
let failed = 0;
let empty = 0;
const all = expressions();
for (const { where, expr } of all) {
  const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('$agent', '.*');
  const response = await fetch(new URL('/api/v1/query', prometheus), {
    method: 'POST',
    body: new URLSearchParams({ query }),
    signal: AbortSignal.timeout(30_000),
  });
  const answer = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: unknown[] };
  };
  if (answer.status !== 'success') {
    failed += 1;
    console.log(`FAILED  ${where}: ${answer.error ?? ''}`);
  } else if (answer.data?.result.length === 0 && !where.startsWith('rules/alerts')) {
    empty += 1;
    console.log(`empty   ${where}: ${expr}`);
  }
}
console.log(`${all.length} queries, ${failed} failed, ${empty} without samples`);
process.exitCode = failed === 0 ? 0 : 1;
