import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** The ops port of an agent: is it alive, may it be sent work, what has it counted. */
export interface OpsState {
  /** True once everything it depends on has answered once and it is not draining. */
  ready(): boolean;
}

/** Opens the ops port. @throws what listen() throws, for instance EADDRINUSE. */
export async function openOpsServer(
  host: string,
  port: number,
  state: OpsState,
  metrics: Metrics,
): Promise<{ port: number } & AsyncDisposable> {
  const server = http.createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://ops').pathname;
    if (path === '/livez') answer(response, 200, 'alive\n');
    else if (path === '/readyz')
      answer(response, state.ready() ? 200 : 503, state.ready() ? 'ready\n' : 'not ready\n');
    else if (path === '/metrics') {
      metrics.registry.metrics().then(
        (text) => answer(response, 200, text, metrics.registry.contentType),
        (error: unknown) => answer(response, 500, `${(error as Error).message}\n`),
      );
    } else answer(response, 404, 'There is /livez, /readyz and /metrics.\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  server.on('error', () => undefined);
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  response: http.ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
