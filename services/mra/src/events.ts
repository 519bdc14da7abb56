/** Everything that mra counts, logs as an outcome, or tells the journey. */
import type { Journey } from '@waybill/journey';

export type Protocol = 'imap' | 'pop3';

/** What a session says of itself in logs and journeys. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly protocol: Protocol;
  readonly remoteAddress: string;
  /** `TLSv1.3`, undefined in clear. */
  readonly tls: string | undefined;
  /** The login name, once there is one. */
  readonly username: string | undefined;
}

/** The part of a pino logger that is used here. */
export interface EventLog {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** The part of the daemon's Metrics that is used here. */
export interface EventMetrics {
  counter<L extends string = never>(
    name: string,
    help: string,
    labelNames?: readonly L[],
  ): { inc(labels?: Partial<Record<L, string | number>>, value?: number): void };
}

/** Text of foreign origin, cut for the log. */
export function cut(text: string): string {
  return text.length > 256 ? `${text.slice(0, 255)}…` : text;
}

export class Events {
  readonly #log: EventLog;
  readonly #journey: Journey;
  readonly #logins;
  readonly #commands;
  readonly #faults;
  readonly #fetched;
  readonly #refused;

  constructor(log: EventLog, metrics: EventMetrics, journey: Journey) {
    this.#log = log;
    this.#journey = journey;
    this.#logins = metrics.counter('logins', 'Login attempts by outcome', ['proto', 'result']);
    this.#commands = metrics.counter('commands', 'Commands by verb and outcome', [
      'proto',
      'command',
      'result',
    ]);
    this.#faults = metrics.counter('faults', 'Answers that were our fault, by kind', ['proto', 'kind']);
    this.#fetched = metrics.counter(
      'messages_fetched',
      'Messages whose body a session read for the first time',
      ['proto'],
    );
    this.#refused = metrics.counter('mra_refused_connections', 'Connections not served', ['proto', 'why']);
  }

  connectionRefused(protocol: Protocol, why: string, client: string): void {
    this.#refused.inc({ proto: protocol, why });
    this.#log.info({ proto: protocol, why, client }, 'connection refused');
  }

  banned(protocol: Protocol, client: string, reason: string): void {
    this.#refused.inc({ proto: protocol, why: 'banned' });
    this.#log.info({ proto: protocol, client, reason: cut(reason) }, 'a banned network was turned away');
  }

  closed(session: SessionFacts, reason: string): void {
    this.#log.debug({ ...about(session), reason }, 'session ended');
  }

  /** `mechanism`: SASL's, or the command of IMAP or POP3. */
  loggedIn(session: SessionFacts, mechanism: string): void {
    this.#logins.inc({ proto: session.protocol, result: 'ok' });
    this.#log.info({ ...about(session), mechanism }, 'logged in');
  }

  /** `why`: denied, try-later or limit. */
  loginFailed(session: SessionFacts, username: string, why: string): void {
    this.#logins.inc({ proto: session.protocol, result: why });
    this.#log.warn({ ...about(session), username: cut(username), why }, 'login failed');
  }

  /** `result`: ok, no or bad. */
  command(protocol: Protocol, command: string, result: string): void {
    this.#commands.inc({ proto: protocol, command, result });
  }

  /** The store could not be reached; the client was told to try again. */
  outage(session: SessionFacts, doing: string, error: unknown): void {
    this.#faults.inc({ proto: session.protocol, kind: 'outage' });
    this.#log.warn({ ...about(session), doing, err: error }, 'the mail store cannot be reached');
  }

  /** A bug: the client was answered in general words. */
  bug(session: SessionFacts, doing: string, error: unknown): void {
    this.#faults.inc({ proto: session.protocol, kind: 'bug' });
    this.#log.error({ ...about(session), doing, err: error }, 'unexpected error');
  }

  clientId(session: SessionFacts, fields: ReadonlyMap<string, string | null>): void {
    const id: [string, string][] = [];
    for (const [name, value] of fields) id.push([cut(name), cut(value ?? '')]);
    this.#log.info({ ...about(session), id }, 'client named itself');
  }

  /** A session read a message's body for the first time. `journeyId` undefined: the message was not delivered. */
  fetched(session: SessionFacts, journeyId: string | undefined, mailbox: string, uid: number): void {
    this.#fetched.inc({ proto: session.protocol });
    if (journeyId === undefined) return;
    this.#journey.record({
      journeyId,
      kind: 'mra.fetch',
      sessionId: session.sessionId,
      status: 'ok',
      summary: `fetched by ${cut(session.username ?? 'somebody')} over ${session.protocol.toUpperCase()} from ${cut(mailbox)}`,
      peerAddress: session.remoteAddress,
      ...(session.username === undefined ? {} : { recipient: session.username }),
      ...(session.tls === undefined ? {} : { tls: session.tls }),
      data: { mailbox, uid },
    });
  }
}

function about(session: SessionFacts): object {
  return {
    session: session.sessionId,
    proto: session.protocol,
    client: session.remoteAddress,
    ...(session.tls === undefined ? {} : { tls: session.tls }),
    ...(session.username === undefined ? {} : { username: cut(session.username) }),
  };
}
