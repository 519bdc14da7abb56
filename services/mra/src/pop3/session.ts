/**
 * One POP3 session without its socket: lines in, replies out. It knows the states of RFC 1939 (authorization,
 * transaction, update) and what each command may do in them. The caller hands it one line at a time.
 */
import { type AuthenticateResponse, type SaslMechanism, takesPasswords } from '@waybill/auth-client';
import { isOutage } from '../imap/failure.ts';
import type { AccountPlaces } from '../account-places.ts';
import type { Events, SessionFacts } from '../events.ts';
import { journeyIdOf } from '../journey-id.ts';
import { type LoginAuth, SaslExchange, type SaslOutcome } from '../sasl/exchange.ts';
import { parseCommand, type Malformed, type Pop3Command } from './command.ts';
import { Maildrop, type MaildropStore } from './maildrop.ts';
import { dotStuffed, topEnd } from './message-octets.ts';

export interface Pop3Deps {
  readonly auth: LoginAuth;
  /** Offered under TLS, in the order told. */
  readonly mechanisms: readonly SaslMechanism[];
  readonly store: MaildropStore;
  /** Named in the greeting. */
  readonly hostname: string;
  readonly events: Pick<
    Events,
    'closed' | 'loggedIn' | 'loginFailed' | 'command' | 'outage' | 'bug' | 'fetched'
  >;
  /** Sessions per account and address; left out, there is no limit. */
  readonly places?: AccountPlaces;
  readonly timers?: {
    /** Silence before login after which the connection is closed, ms. Default 60,000. */
    readonly beforeLogin?: number;
    /** Silence after login, ms; RFC 1939 §3 wants ten minutes at least. Default 600,000. */
    readonly autologout?: number;
    /** A failed login is answered this much later for each one before it and itself, ms. Default 1,000. */
    readonly failedLogin?: number;
  };
}

export interface Reply {
  /** The status line, and what follows it when that is short. With CRLF. */
  readonly text: string;
  /** The rest of a long answer, piece by piece. */
  readonly content?: Iterable<Buffer>;
  /** What happens when it is sent. */
  readonly then?: 'close' | 'tls';
  /** Milliseconds to wait before it is sent. */
  readonly delay?: number;
}

/** Reliability: three mistakes before login, twenty after. */
const MISTAKES_BEFORE_LOGIN = 3;
const MISTAKES_AFTER_LOGIN = 20;

const BEFORE_LOGIN: ReadonlySet<string> = new Set(['USER', 'PASS', 'AUTH', 'STLS', 'CAPA', 'QUIT']);
const AFTER_LOGIN: ReadonlySet<string> = new Set([
  'STAT',
  'LIST',
  'RETR',
  'DELE',
  'NOOP',
  'RSET',
  'TOP',
  'UIDL',
  'CAPA',
  'QUIT',
]);

const NO_MESSAGE = 'There is no such message';

export class Pop3Session {
  readonly #deps: Pop3Deps;
  readonly #facts: () => SessionFacts;
  /** Undefined in the authorization state. */
  #maildrop: Maildrop | undefined;
  #username: string | undefined;
  /** The name that USER gave, until PASS. */
  #named: string | undefined;
  /** While AUTH waits for the client's answer. */
  #exchange: SaslExchange | undefined;
  #failedLogins = 0;
  #mistakes = 0;
  #leavePlace: (() => void) | undefined;
  #gone = false;
  readonly #fetched = new Set<number>();
  readonly #canStartTls: () => boolean;

  constructor(deps: Pop3Deps, facts: () => Omit<SessionFacts, 'username'>, canStartTls: () => boolean) {
    this.#deps = deps;
    this.#facts = () => ({ ...facts(), username: this.#username });
    this.#canStartTls = canStartTls;
  }

  get facts(): SessionFacts {
    return this.#facts();
  }

  get loggedIn(): boolean {
    return this.#maildrop !== undefined;
  }

  /** Marks of deletion that QUIT would carry out. */
  get hasDeletions(): boolean {
    return this.#maildrop?.hasDeletions ?? false;
  }

  greeting(): string {
    return `+OK ${this.#deps.hostname} Waybill POP3 ready\r\n`;
  }

  /** TLS is up: nothing that was said before counts (RFC 2595 §4). */
  secured(): void {
    this.#named = undefined;
    this.#exchange = undefined;
  }

  /** The connection is gone. Without QUIT nothing is removed (RFC 1939 §6). */
  closed(): void {
    this.#gone = true;
    this.#giveBack();
  }

  #giveBack(): void {
    this.#leavePlace?.();
    this.#leavePlace = undefined;
  }

  /** The answer to a line; never rejects. */
  handle(line: Buffer): Reply | Promise<Reply> {
    if (this.#exchange !== undefined) return this.#respond(this.#exchange, line.toString('latin1'));
    const command = parseCommand(line);
    const reply = this.#dispatch(command);
    if (!(reply instanceof Promise)) return this.#counted(command, reply);
    return reply.then(
      (done) => this.#counted(command, done),
      (error: unknown) => this.#counted(command, this.#failed(command.verb, error)),
    );
  }

  /** A line that could not be framed. */
  mistake(text: string): Reply {
    this.#mistakes += 1;
    const most = this.loggedIn ? MISTAKES_AFTER_LOGIN : MISTAKES_BEFORE_LOGIN;
    return this.#mistakes < most
      ? { text: `-ERR ${text}\r\n` }
      : { text: `-ERR ${text}; that was one mistake too many\r\n`, then: 'close' };
  }

  #dispatch(command: Pop3Command | Malformed): Reply | Promise<Reply> {
    if (command.verb === 'malformed') return this.mistake(command.text);
    const maildrop = this.#maildrop;
    if (maildrop === undefined) {
      if (BEFORE_LOGIN.has(command.verb)) return this.#authorization(command);
      return this.mistake('Log in first');
    }
    if (AFTER_LOGIN.has(command.verb)) return this.#transaction(command, maildrop);
    return this.mistake('You are logged in already');
  }

  #authorization(command: Pop3Command): Reply | Promise<Reply> {
    switch (command.verb) {
      case 'CAPA':
        return this.#capabilities();
      case 'QUIT':
        return { text: '+OK Goodbye\r\n', then: 'close' };
      case 'STLS':
        // RFC 2595 §4: only in clear, only here.
        if (!this.#canStartTls()) return this.mistake('TLS cannot be started');
        return { text: '+OK Begin TLS negotiation\r\n', then: 'tls' };
    }
    // Credentials never travel in clear: RFC 2595 §2.1.
    if (this.#facts().tls === undefined) return this.mistake('Start TLS first');
    switch (command.verb) {
      case 'USER':
        if (!takesPasswords(this.#deps.mechanisms))
          return this.mistake('Passwords are not taken here, use AUTH');
        // RFC 1939 §7: whether the name exists is not told.
        this.#named = command.name;
        return ok('Now the password');
      case 'PASS': {
        const name = this.#named;
        this.#named = undefined;
        return name === undefined ? this.mistake('USER comes first') : this.#pass(name, command.password);
      }
      case 'AUTH':
        if (command.mechanism === null)
          return { text: `+OK\r\n${this.#deps.mechanisms.join('\r\n')}\r\n.\r\n` };
        return this.#beginAuth(command.mechanism, command.initial);
    }
    return this.mistake('Log in first');
  }

  /** RFC 5034 §4. */
  #beginAuth(name: string, initial: string | null): Reply | Promise<Reply> {
    const { auth, mechanisms } = this.#deps;
    const mechanism = mechanisms.find((offered) => offered === name);
    if (mechanism === undefined) return this.mistake('This mechanism is not offered');
    const client = this.#facts().remoteAddress;
    const exchange = new SaslExchange(mechanism, auth, { client, protocol: 'pop3' });
    return this.#conduct(exchange, exchange.begin(initial));
  }

  #respond(exchange: SaslExchange, line: string): Reply | Promise<Reply> {
    this.#exchange = undefined;
    // RFC 5034 §4: the client cancels.
    if (line === '*') return this.mistake('Authentication cancelled');
    return this.#conduct(exchange, exchange.respond(line));
  }

  async #conduct(exchange: SaslExchange, step: Promise<SaslOutcome>): Promise<Reply> {
    try {
      const outcome = await step;
      if (outcome.status === 'challenge') {
        this.#exchange = exchange;
        return { text: `+ ${outcome.challenge}\r\n` };
      }
      if (outcome.status === 'malformed') return this.mistake('This is not what the mechanism sends');
      return await this.#admit(exchange.username, exchange.mechanism, outcome);
    } catch (error) {
      return this.#failed('AUTH', error);
    }
  }

  async #pass(username: string, password: string): Promise<Reply> {
    const client = this.#facts().remoteAddress;
    const answer = await this.#deps.auth.authenticate({ username, password, client, protocol: 'pop3' });
    return this.#admit(username, 'USER', answer);
  }

  /** Enters the maildrop of the account that auth named. `username`: as the client said it, '' where only auth knows. */
  async #admit(username: string, mechanism: string, answer: AuthenticateResponse): Promise<Reply> {
    const { events, store, places } = this.#deps;
    try {
      if (answer.status === 'denied') return this.#denied(username, 'denied');
      if (answer.status === 'try-later') {
        events.loginFailed(this.#facts(), username, 'try-later');
        return err('SYS/TEMP', 'Logging in is not possible now, try again later');
      }
      const { accountId, address } = answer.account;
      if (places !== undefined) {
        this.#leavePlace = places.take(accountId, this.#facts().remoteAddress);
        if (this.#leavePlace === undefined) {
          events.loginFailed(this.#facts(), username, 'limit');
          return err('IN-USE', 'Too many sessions of this account are open');
        }
      }
      const maildrop = await Maildrop.open(store, answer.account);
      // The client may have left while this was looked up: its place was not taken yet when it did.
      if (this.#gone) this.#giveBack();
      this.#username = username === '' ? address : username;
      this.#maildrop = maildrop;
      this.#mistakes = 0;
      events.loggedIn(this.#facts(), mechanism);
      return ok(`${maildrop.count} messages, ${maildrop.octets} octets`);
    } catch (error) {
      this.#giveBack();
      return this.#failed('PASS', error);
    }
  }

  #denied(username: string, why: string): Reply {
    this.#failedLogins += 1;
    this.#deps.events.loginFailed(this.#facts(), username, why);
    const reply = this.mistake('[AUTH] This name and password do not fit');
    return { ...reply, delay: (this.#deps.timers?.failedLogin ?? 1_000) * this.#failedLogins };
  }

  #transaction(command: Pop3Command, maildrop: Maildrop): Reply | Promise<Reply> {
    switch (command.verb) {
      case 'STAT':
        return ok(`${maildrop.count} ${maildrop.octets}`);
      case 'LIST':
        return list(maildrop, command.message, 'sizes', (message) => maildrop.size(message));
      case 'UIDL':
        return list(maildrop, command.message, 'ids', (message) => maildrop.uniqueId(message));
      case 'RETR':
        return this.#retrieve(maildrop, command.message, null);
      case 'TOP':
        return this.#retrieve(maildrop, command.message, command.lines);
      case 'DELE':
        if (!maildrop.has(command.message)) return err(null, NO_MESSAGE);
        maildrop.delete(command.message);
        return ok('Marked as deleted');
      case 'RSET':
        maildrop.reset();
        return ok(`${maildrop.count} messages, ${maildrop.octets} octets`);
      case 'NOOP':
        return ok('Still here');
      case 'CAPA':
        return this.#capabilities();
      case 'QUIT':
        return this.#update(maildrop);
    }
    return this.mistake('You are logged in already');
  }

  async #retrieve(maildrop: Maildrop, message: number, lines: number | null): Promise<Reply> {
    if (!maildrop.has(message)) return err(null, NO_MESSAGE);
    const stored = await maildrop.read(message);
    if (stored === undefined) return err(null, 'Another session has removed this message');
    const { prefix, body } = stored;
    if (lines !== null)
      return { text: '+OK\r\n', content: dotStuffed([prefix, body.subarray(0, topEnd(body, lines))]) };
    if (!this.#fetched.has(message)) {
      this.#fetched.add(message);
      this.#deps.events.fetched(this.#facts(), journeyIdOf(prefix, body), 'INBOX', maildrop.uid(message));
    }
    return { text: `+OK ${prefix.length + body.length} octets\r\n`, content: dotStuffed([prefix, body]) };
  }

  /** Commit, then speak: +OK means that the messages are gone. */
  async #update(maildrop: Maildrop): Promise<Reply> {
    try {
      await maildrop.update();
      return { text: '+OK Goodbye\r\n', then: 'close' };
    } catch (error) {
      // RFC 1939 §6: the session ends also when messages could not be removed.
      return { ...this.#failed('QUIT', error), then: 'close' };
    }
  }

  /** RFC 2449 §5; what is not possible now is not named. */
  #capabilities(): Reply {
    const names = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING'];
    const { mechanisms } = this.#deps;
    if (this.#facts().tls !== undefined) {
      if (takesPasswords(mechanisms)) names.push('USER');
      names.push(`SASL ${mechanisms.join(' ')}`); // RFC 5034 §3
    } else if (!this.loggedIn && this.#canStartTls()) names.push('STLS');
    return { text: `+OK Capabilities follow\r\n${names.join('\r\n')}\r\nIMPLEMENTATION Waybill\r\n.\r\n` };
  }

  #failed(doing: string, error: unknown): Reply {
    const { events } = this.#deps;
    if (isOutage(error)) events.outage(this.#facts(), doing, error);
    else events.bug(this.#facts(), doing, error);
    // Any unclassified error is temporary: RFC 3206 §4.
    return err('SYS/TEMP', 'This is not possible now, try again later');
  }

  #counted(command: Pop3Command | Malformed, reply: Reply): Reply {
    this.#deps.events.command('pop3', command.verb, reply.text.startsWith('-') ? 'no' : 'ok');
    return reply;
  }
}

function list(
  maildrop: Maildrop,
  message: number | null,
  what: string,
  value: (message: number) => number | string,
): Reply {
  if (message === null) return { text: `+OK ${maildrop.count} ${what} follow\r\n${maildrop.listing(value)}` };
  return maildrop.has(message) ? ok(`${message} ${value(message)}`) : err(null, NO_MESSAGE);
}

function ok(text: string): Reply {
  return { text: `+OK ${text}\r\n` };
}

function err(code: 'SYS/TEMP' | 'IN-USE' | null, text: string): Reply {
  return { text: `-ERR ${code === null ? '' : `[${code}] `}${text}\r\n` };
}
