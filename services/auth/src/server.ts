import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { Compile } from 'typebox/compile';
import type { TSchema } from 'typebox';
import type { Call } from './calls.ts';
import { callerOf, isAgent } from './caller.ts';
import type { Events } from './events.ts';
import { HashQueueFull } from './password/hash-queue.ts';
import { Refused, type RefusalCode } from './refused.ts';

/** The door: HTTP over TLS with certificates of both sides, one POST per call, the table decides who may. */
export interface ServerCredentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** 1,000 addresses of 320 characters, each of which may be six octets of JSON. */
const BODY_LIMIT = 4 * 1024 * 1024;

export function openServer(
  calls: ReadonlyMap<string, Call>,
  credentials: ServerCredentials,
  events: Events,
): FastifyInstance {
  const app: FastifyInstance = Fastify({
    https: { ...credentials, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    bodyLimit: BODY_LIMIT,
    // Longer than the clients keep an idle connection, so that they and not we close it.
    keepAliveTimeout: 75_000,
    requestTimeout: 30_000,
    connectionTimeout: 120_000,
    forceCloseConnections: 'idle',
    // Who asks while we close is answered; the connection ends with it.
    return503OnClosing: false,
    logger: false,
  }) as unknown as FastifyInstance;
  app.setValidatorCompiler<TSchema>(({ schema }) => {
    const validator = Compile(schema);
    return (data) => {
      if (validator.Check(data)) return { value: data };
      const [fault] = validator.Errors(data);
      return {
        error: new Refused('invalid', `${fault?.instancePath ?? ''} ${fault?.message ?? 'malformed'}`.trim()),
      };
    };
  });
  // JSON.stringify is fast enough for answers this small, and says exactly what the code says.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const call = request.routeOptions.config.call ?? request.method;
    const refusal = refusalOf(error);
    if (refusal.code === 'unavailable') events.failed(call, error);
    return reply.code(refusal.statusCode).send({ error: refusal.code, message: refusal.message });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: 'not-found', message: `there is no ${request.method} here by that name` }),
  );
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  // Also what came before: a connection that stays open would hold the process up.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { call } = request.routeOptions.config;
    if (call !== undefined) events.called(call, reply.statusCode, reply.elapsedTime);
    done();
  });
  for (const [name, call] of calls) {
    app.post(`/v1/${name}`, {
      schema: { body: call.request },
      config: { call: name },
      onRequest: (request, _reply, done) => {
        const caller = callerOf(request.raw.socket as TLSSocket);
        if (isAgent(caller) && call.agents.includes(caller)) return done();
        events.notPermitted(caller, name);
        done(new Refused('not-permitted', `${caller ?? 'an unknown caller'} may not ${name}`));
      },
      handler: async (request, reply) => {
        const answer = await call.run(request.body as never);
        if ('status' in answer && answer.status === 'try-later') reply.code(429);
        return answer;
      },
    });
  }
  return app;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The call's name in the table. */
    call?: string;
  }
}

/** The public half of an error. What we do not know is our own fault and temporary. */
function refusalOf(error: FastifyError | Error): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof HashQueueFull)
    return new Refused('busy', 'too many passwords wait to be hashed; try again soon', { cause: error });
  const { statusCode } = error as FastifyError;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new Refused('invalid' satisfies RefusalCode, error.message, { cause: error });
  return new Refused('unavailable', 'the directory cannot answer now; try again later', { cause: error });
}
