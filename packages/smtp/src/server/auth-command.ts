import type { Conversation } from './conversation.ts';
import * as said from './replies.ts';
import { decodeBase64, type SaslExchange, saslExchange } from './sasl.ts';
import type { SmtpSession } from './session.ts';
import { type Reply, reply } from '../reply.ts';

/** What AUTH is in the middle of: a mechanism that is read here, or one that the session conducts. */
export type Exchange = SaslExchange | Conducted;

interface Conducted {
  readonly mechanism: string;
  /** What the session gave with its last challenge. */
  readonly state: string | undefined;
  /** Responses so far. */
  readonly responses: number;
}

const READ_HERE: readonly string[] = ['PLAIN', 'LOGIN'];
/** No mechanism needs as many: SCRAM has three responses, OAUTHBEARER two. */
const MAX_RESPONSES = 6;

/** Every mechanism that the session offers, as EHLO names them. */
export function mechanismsOf(session: SmtpSession): readonly string[] {
  return session.mechanisms ?? READ_HERE;
}

/** AUTH, RFC 4954 §4: only on submission ports, only under TLS, once, and outside a transaction. */
export function authCommand(c: Conversation, argument: string): void {
  if (!c.options.auth || (c.session.authenticate === undefined && c.session.sasl === undefined))
    c.mistake(said.NOT_IMPLEMENTED);
  else if (c.peer.tls === undefined) c.mistake(said.AUTH_NEEDS_TLS);
  else if (c.authenticated) c.mistake(said.AUTHENTICATED_ALREADY);
  else if (c.transaction !== undefined) c.mistake(said.NOT_NOW);
  else if (c.extended !== true) c.mistake(said.HELLO_FIRST);
  else begin(c, argument);
}

function begin(c: Conversation, argument: string): void {
  const words = argument.split(' ');
  const mechanism = (words[0] ?? '').toUpperCase();
  const offered = mechanismsOf(c.session);
  // RFC 4954 §4: "=" is an initial response without octets.
  const initial = words[1] === '=' ? '' : words[1];
  if (!offered.includes(mechanism)) c.mistake(said.unknownMechanism(offered));
  else if (words.length > 2) c.mistake(said.AUTH_MALFORMED);
  else {
    const exchange = saslExchange(mechanism);
    if (exchange === undefined) conduct(c, { mechanism, state: undefined, responses: 0 }, initial);
    else read(c, exchange, initial);
  }
}

/** A line of the client within the exchange. */
export function authResponse(c: Conversation, exchange: Exchange, line: string): void {
  // RFC 4954 §4: the client gives up.
  if (line === '*') {
    c.exchange = undefined;
    c.mistake(said.AUTH_CANCELLED);
  } else if ('respond' in exchange) read(c, exchange, line);
  else conduct(c, exchange, line);
}

/** One response to PLAIN or LOGIN; undefined when there was no initial one. */
function read(c: Conversation, exchange: SaslExchange, response: string | undefined): void {
  c.exchange = exchange;
  if (response === undefined && exchange.mechanism === 'PLAIN') {
    c.say(reply(334, '', ''));
    return;
  }
  const step = exchange.respond(response ?? '');
  if (step.kind === 'challenge') {
    c.say(reply(334, '', step.text));
    return;
  }
  c.exchange = undefined;
  if (step.kind === 'malformed') {
    c.mistake(said.AUTH_MALFORMED);
    return;
  }
  c.answer(
    'auth',
    () => c.session.authenticate?.(step.username, step.password, exchange.mechanism) ?? said.NOT_IMPLEMENTED,
    (answer) => finish(c, answer),
  );
}

/** One response to a mechanism of the session's. */
function conduct(c: Conversation, exchange: Conducted, response: string | undefined): void {
  c.exchange = undefined;
  const { mechanism, state } = exchange;
  const responses = exchange.responses + 1;
  const readable = response === undefined || decodeBase64(response) !== undefined;
  if (!readable || responses > MAX_RESPONSES) {
    c.mistake(said.AUTH_MALFORMED);
    return;
  }
  c.answer(
    'auth',
    () => c.session.sasl?.({ mechanism, response, state }) ?? said.NOT_IMPLEMENTED,
    (answer) => {
      if ('code' in answer) finish(c, answer);
      else {
        c.exchange = { mechanism, state: answer.state, responses };
        c.say(challenge(answer.challenge));
      }
    },
  );
}

/** 334 with the whole text: a challenge must not be cut as words for people are. */
function challenge(text: string): Reply {
  return { code: 334, enhanced: '', lines: [decodeBase64(text) === undefined ? '' : text] };
}

/** 235, or why not. Refused credentials are counted by themselves, and the last ends the connection. */
function finish(c: Conversation, answer: Reply): void {
  c.authenticated = answer.code === 235;
  if (c.authenticated) c.say(answer);
  // Trouble of ours is no mistake of the client's, but not to be asked for without end either.
  else if (answer.code < 500) c.junk(answer);
  else if (answer.code === 501) c.mistake(answer);
  else if (c.tally.authFailed()) {
    c.say(answer);
    c.end(said.TOO_MANY_AUTH_FAILURES);
  } else c.mistake(answer);
}
