import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { CertificateAuthority, type Issued } from '@waybill/lab';

/** An auth that answers as a test says, over real mutual TLS, and counts what it is asked. */
export interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
  /** Which connection it came on, counted from 0. */
  readonly connection: number;
}
export interface Answer {
  readonly status?: number;
  /** An object goes as JSON, text as it is; undefined never answers. */
  readonly body: object | string | undefined;
}
export interface ScriptedAuth extends AsyncDisposable {
  readonly port: number;
  readonly asked: Asked[];
  readonly connections: () => number;
}

export const authority = await CertificateAuthority.create('test authority');
export const agent: Issued = await authority.issue(['mx']);
export const credentials = { ca: authority.certificate, cert: agent.certificate, key: agent.key };

export async function scriptedAuth(
  answer: (asked: Asked) => Answer | Promise<Answer>,
  options: { readonly name?: string; readonly port?: number; readonly host?: string } = {},
): Promise<ScriptedAuth> {
  const issued = await authority.issue([options.name ?? 'auth']);
  const asked: Asked[] = [];
  const numbers = new WeakMap<object, number>();
  let connections = 0;
  const server = https.createServer(
    {
      ca: authority.certificate,
      cert: issued.certificate,
      key: issued.key,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      void (async () => {
        const body = (await json(request)) as Record<string, unknown>;
        const question = { path: request.url ?? '', body, connection: numbers.get(request.socket) ?? -1 };
        asked.push(question);
        const given = await answer(question);
        if (given.body === undefined) return;
        response.writeHead(given.status ?? 200, { 'content-type': 'application/json' });
        response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
      })();
    },
  );
  server.on('secureConnection', (socket: TLSSocket) => {
    numbers.set(socket, connections++);
    socket.on('error', () => undefined);
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers every address by its local part: `known-…`, `unknown`, `later`; in the order asked. */
export function resolveByName({ body }: Asked): Answer {
  const results = (body['addresses'] as string[]).map((address) => {
    if (address.startsWith('unknown')) return { status: 'unknown' };
    if (address.startsWith('foreign')) return { status: 'not-ours' };
    if (address.startsWith('later')) return { status: 'try-later' };
    return {
      status: 'mailbox',
      account: { accountId: '1', address, quotaBytes: 0, quotaMessages: 0 },
      route: 'local',
    };
  });
  return { body: { results } };
}
