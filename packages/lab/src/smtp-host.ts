import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/**
 * A mail host of the outside world that does at each phase what a test tells it: for trying how a
 * client takes refusals, silence and broken connections. Real sockets, real TLS, SMTP or LMTP.
 */
export interface SmtpHost extends AsyncDisposable {
  readonly port: number;
  /** Every line that clients said, in order, with the number of their connection. */
  readonly lines: readonly { readonly connection: number; readonly line: string }[];
  /** Messages whose final dot came, content unstuffed, whatever was answered. */
  readonly messages: readonly HostMessage[];
  /** Connections so far. */
  readonly connections: number;
  /** Resolves when `test` holds; asked again after everything that clients say. */
  until(test: (host: SmtpHost) => boolean): Promise<void>;
}

export interface HostMessage {
  readonly connection: number;
  readonly mail: string;
  readonly rcpts: readonly string[];
  readonly content: string;
}

/** A moment of a conversation: `line` is the command; of `message`, the recipient that LMTP answers for. */
export interface Moment {
  readonly phase: 'greeting' | 'hello' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message' | 'other';
  readonly line: string;
  readonly connection: number;
  readonly message?: HostMessage;
}

/** A reply (several lines parted by `\n`), `drop` to break the connection, `silence`; undefined for the usual answer. */
export type Script = (moment: Moment) => string | undefined | Promise<string | undefined>;

export interface SmtpHostOptions {
  readonly script?: Script;
  readonly protocol?: 'smtp' | 'lmtp';
  /** Keywords of EHLO; PIPELINING and 8BITMIME when not given. STARTTLS is added where `tls` is given. */
  readonly offers?: readonly string[];
  readonly tls?: tls.SecureContextOptions & { readonly requestCert?: boolean; readonly implicit?: boolean };
  readonly host?: string;
  readonly port?: number;
}

const USUAL: Readonly<Record<Moment['phase'], string>> = {
  greeting: '220 host.test ESMTP',
  hello: '',
  starttls: '220 2.0.0 Go on',
  auth: '235 2.7.0 Welcome',
  mail: '250 2.1.0 OK',
  rcpt: '250 2.1.5 OK',
  data: '354 Go on',
  message: '250 2.0.0 OK queued as 4711',
  other: '250 2.0.0 OK',
};

const PHASES: ReadonlyMap<string, Moment['phase']> = new Map([
  ['EHLO', 'hello'],
  ['LHLO', 'hello'],
  ['HELO', 'hello'],
  ['STARTTLS', 'starttls'],
  ['AUTH', 'auth'],
  ['MAIL', 'mail'],
  ['RCPT', 'rcpt'],
  ['DATA', 'data'],
]);

export async function startSmtpHost(options: SmtpHostOptions = {}): Promise<SmtpHost> {
  const lines: { connection: number; line: string }[] = [];
  const messages: HostMessage[] = [];
  const watchers = new Set<() => void>();
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    const connection = ++connections;
    new Conversation(socket, connection, options, {
      line(line) {
        lines.push({ connection, line });
        for (const watch of watchers) watch();
      },
      message(message) {
        messages.push(message);
        for (const watch of watchers) watch();
      },
    });
    for (const watch of watchers) watch();
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const host: SmtpHost = {
    port: (server.address() as net.AddressInfo).port,
    lines,
    messages,
    get connections() {
      return connections;
    },
    until(test) {
      return new Promise((resolve) => {
        const watch = (): void => {
          if (!test(host)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      });
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return host;
}

interface Ear {
  line(line: string): void;
  message(message: HostMessage): void;
}

class Conversation {
  #socket: net.Socket;
  readonly #connection: number;
  readonly #options: SmtpHostOptions;
  readonly #ear: Ear;
  #rest = '';
  #mail = '';
  #accepted: string[] = [];
  #content: string[] | undefined;
  #auth = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(socket: net.Socket, connection: number, options: SmtpHostOptions, ear: Ear) {
    this.#socket = socket;
    this.#connection = connection;
    this.#options = options;
    this.#ear = ear;
    this.#listen();
    if (options.tls?.implicit === true) this.#secure();
    this.#then(() => this.#answer('greeting', ''));
  }

  #listen(): void {
    this.#socket.setEncoding('latin1');
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk) => {
      const parts = (this.#rest + String(chunk)).split('\r\n');
      this.#rest = parts.pop() ?? '';
      for (const part of parts) this.#then(() => this.#take(part));
    });
  }

  #then(step: () => Promise<unknown>): void {
    this.#turn = this.#turn.then(async () => {
      await step();
    });
  }

  async #take(line: string): Promise<void> {
    if (this.#content !== undefined) {
      if (line !== '.') this.#content.push(line.startsWith('.') ? line.slice(1) : line);
      else await this.#messageEnds(this.#content);
      return;
    }
    this.#ear.line(line);
    if (this.#auth > 0 && !line.includes(' ')) {
      await this.#answer('auth', line);
      return;
    }
    const verb = line.split(' ', 1)[0]?.toUpperCase() ?? '';
    const phase = PHASES.get(verb) ?? 'other';
    if (verb === 'QUIT') {
      this.#socket.end('221 2.0.0 Bye\r\n');
      return;
    }
    if (phase === 'mail') {
      this.#mail = line;
      this.#accepted = [];
    }
    if (phase === 'data' && this.#accepted.length === 0) {
      await this.#answer('data', line, '503 5.5.1 No valid recipients');
      return;
    }
    const code = await this.#answer(phase, line);
    this.#auth = phase === 'auth' && code === 334 ? this.#auth + 1 : 0;
    if (phase === 'rcpt' && code < 300) this.#accepted.push(line);
    if (phase === 'data' && code === 354) this.#content = [];
    if (phase === 'starttls' && code === 220) this.#secure();
  }

  async #messageEnds(content: readonly string[]): Promise<void> {
    this.#content = undefined;
    const text = content.map((line) => `${line}\r\n`).join('');
    const message = { connection: this.#connection, mail: this.#mail, rcpts: this.#accepted, content: text };
    this.#ear.message(message);
    if (this.#options.protocol !== 'lmtp') await this.#answer('message', '', undefined, message);
    else for (const rcpt of this.#accepted) await this.#answer('message', rcpt, undefined, message);
  }

  /** Says what the script wants, else the usual; answers its code, 0 when nothing was said. */
  async #answer(
    phase: Moment['phase'],
    line: string,
    usual = this.#usual(phase, line),
    message?: HostMessage,
  ): Promise<number> {
    const scripted = await this.#options.script?.({
      phase,
      line,
      connection: this.#connection,
      ...(message ? { message } : {}),
    });
    const text = scripted ?? usual;
    if (text === 'drop') this.#socket.destroy();
    if (text === 'drop' || text === 'silence') return 0;
    const all = text.split('\n');
    this.#socket.write(all.map((one) => `${one}\r\n`).join(''));
    return Number(all[0]?.slice(0, 3));
  }

  #usual(phase: Moment['phase'], line: string): string {
    if (phase !== 'hello') return USUAL[phase];
    if (line.startsWith('HELO')) return '250 host.test';
    const { tls: secure, offers } = this.#options;
    const clear = !(this.#socket instanceof tls.TLSSocket);
    const words = [
      'host.test',
      ...(offers ?? ['PIPELINING', '8BITMIME']),
      ...(secure !== undefined && clear ? ['STARTTLS'] : []),
    ];
    return words.map((word, i) => `250${i === words.length - 1 ? ' ' : '-'}${word}`).join('\n');
  }

  #secure(): void {
    const { tls: secure } = this.#options;
    this.#socket.removeAllListeners('data');
    this.#socket = new tls.TLSSocket(this.#socket, {
      isServer: true,
      secureContext: tls.createSecureContext(secure),
      requestCert: secure?.requestCert === true,
      rejectUnauthorized: secure?.requestCert === true,
    });
    this.#rest = '';
    this.#listen();
  }
}
