import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { CertificateAuthority, playTranscript } from '@waybill/lab';
import { type Listener, openListener, TlsContexts } from '@waybill/listener';
import {
  type Mailbox,
  formatAddress,
  type MailParameters,
  type RcptParameters,
  type Reply,
  reply,
} from '../src/index.ts';
import {
  type ReceivedMessage,
  serveSmtp,
  type SmtpServerOptions,
  type SmtpSession,
} from '../src/server/index.ts';

/** A server whose session takes nearly everything and remembers it. */
export interface Stub extends AsyncDisposable {
  readonly listener: Listener;
  /** What the sessions were told, in order. */
  readonly calls: string[];
  readonly messages: string[];
  readonly transcripts: string[];
  readonly errors: string[];
  /** Answers for the next message(s); an Error is thrown; a promise is awaited. */
  readonly answers: (Reply | readonly Reply[] | Error | Promise<Reply>)[];
  play(script: string): Promise<void>;
}

const authority = await CertificateAuthority.create('smtp server test');
const issued = await authority.issue(['localhost']);
const agent = await authority.issue(['mta']);
const contexts = new TlsContexts({ cert: issued.certificate, key: issued.key, ca: authority.certificate });

export interface StubOptions extends Partial<SmtpServerOptions> {
  readonly implicitTls?: boolean;
  readonly maxHandshakes?: number;
  /** The client shows the certificate of the agent `mta`. */
  readonly asAgent?: boolean;
  /** What each session does beyond the stub's own. */
  readonly also?: Pick<SmtpSession, 'mechanisms' | 'sasl'>;
}

const DEFAULTS: SmtpServerOptions = {
  protocol: 'smtp',
  hostname: 'mail.test',
  maxSize: 1_000_000,
  tls: 'starttls',
  auth: false,
  bareLineEnds: 'refuse',
  maxRecipients: 5,
  timers: { errorDelay: 1 },
};

export async function startStub(options: StubOptions = {}): Promise<Stub> {
  const calls: string[] = [];
  const messages: string[] = [];
  const transcripts: string[] = [];
  const errors: string[] = [];
  const answers: (Reply | readonly Reply[] | Error | Promise<Reply>)[] = [];
  const { implicitTls = false, maxHandshakes = 100, asAgent = false, also = {}, ...own } = options;
  const server: SmtpServerOptions = {
    ...DEFAULTS,
    onTranscript: (text) => transcripts.push(text),
    onError: (error, phase) => errors.push(`${phase}: ${(error as Error).message}`),
    ...own,
  };
  const listener = await openListener({
    host: '127.0.0.1',
    port: 0,
    tickMs: 5,
    tls: contexts,
    implicitTls,
    maxHandshakes,
    requestCertificate: true,
    onConnection: (connection) => {
      const session = Object.assign(new StubSession(calls, messages, answers), also);
      serveSmtp(connection, server, session);
    },
  });
  const identity = asAgent ? { cert: agent.certificate, key: agent.key } : {};
  const secure = (plain: Duplex): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect(
        { socket: plain as Socket, ca: authority.certificate, servername: 'localhost', ...identity },
        () => resolve(socket),
      );
      socket.on('error', reject);
    });
  const connect = async (): Promise<Duplex> => {
    const socket = net.connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
    return implicitTls ? secure(socket) : socket;
  };
  return {
    listener,
    calls,
    messages,
    transcripts,
    errors,
    answers,
    play: async (script) => {
      await playTranscript(script, { connect, secure });
    },
    [Symbol.asyncDispose]: () => listener.drain(100),
  };
}

class StubSession implements SmtpSession {
  readonly #calls: string[];
  readonly #messages: string[];
  readonly #answers: (Reply | readonly Reply[] | Error | Promise<Reply>)[];

  constructor(
    calls: string[],
    messages: string[],
    answers: (Reply | readonly Reply[] | Error | Promise<Reply>)[],
  ) {
    this.#calls = calls;
    this.#messages = messages;
    this.#answers = answers;
  }

  capabilities(peer: { agent?: string }): readonly string[] {
    return peer.agent === undefined ? [] : ['XWAYBILL'];
  }

  hello(name: string): Reply | undefined {
    this.#calls.push(`hello ${name}`);
    return name === 'bad.test' ? reply(550, '5.7.1', 'Not you') : undefined;
  }

  async authenticate(username: string, password: string, mechanism: string): Promise<Reply> {
    this.#calls.push(`auth ${mechanism} ${username} ${password}`);
    await Promise.resolve();
    return username === 'alice' && password === 'sesame'
      ? reply(235, '2.7.0', 'Welcome')
      : reply(535, '5.7.8', 'Wrong name or password');
  }

  mail(from: Mailbox | undefined, parameters: MailParameters): Reply {
    this.#calls.push(`mail ${from === undefined ? '<>' : formatAddress(from)} ${JSON.stringify(parameters)}`);
    return reply(250, '2.1.0', 'Sender taken');
  }

  rcpt(to: Mailbox, parameters: RcptParameters): Reply | Promise<Reply> {
    const address = formatAddress(to);
    this.#calls.push(`rcpt ${address} ${JSON.stringify(parameters)}`);
    if (to.local.startsWith('nobody')) return Promise.resolve(reply(550, '5.1.1', 'Unknown here'));
    if (to.local === 'boom') throw new Error('boom at rcpt');
    if (to.local === 'async')
      return new Promise((resolve) => setImmediate(resolve, reply(250, '2.1.5', 'Taken')));
    return reply(250, '2.1.5', 'Taken');
  }

  data(): Reply | undefined {
    return this.#calls.at(-1)?.includes('greylisted') === true ? reply(451, '4.7.1', 'Not yet') : undefined;
  }

  async message(message: ReceivedMessage): Promise<Reply | readonly Reply[]> {
    this.#messages.push(Buffer.concat(message.chunks).toString('latin1'));
    const answer = await (this.#answers.shift() ?? reply(250, '2.0.0', 'Kept'));
    if (answer instanceof Error) throw answer;
    return answer;
  }

  reset(): void {
    this.#calls.push('reset');
  }

  closed(reason: string): void {
    this.#calls.push(`closed ${reason}`);
  }
}
