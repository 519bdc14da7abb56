import type { Conversation } from './conversation.ts';
import * as said from './replies.ts';
import { type SaslExchange, saslExchange } from './sasl.ts';
import { reply } from '../reply.ts';

/** AUTH, RFC 4954 §4: only on submission ports, only under TLS, once, and outside a transaction. */
export function authCommand(c: Conversation, argument: string): void {
  if (!c.options.auth || c.session.authenticate === undefined) c.mistake(said.NOT_IMPLEMENTED);
  else if (c.peer.tls === undefined) c.mistake(said.AUTH_NEEDS_TLS);
  else if (c.authenticated) c.mistake(said.AUTHENTICATED_ALREADY);
  else if (c.transaction !== undefined) c.mistake(said.NOT_NOW);
  else if (c.extended !== true) c.mistake(said.HELLO_FIRST);
  else begin(c, argument);
}

function begin(c: Conversation, argument: string): void {
  const words = argument.split(' ');
  const exchange = saslExchange((words[0] ?? '').toUpperCase());
  if (exchange === undefined) c.mistake(said.UNKNOWN_MECHANISM);
  else if (words.length > 2) c.mistake(said.AUTH_MALFORMED);
  else if (words[1] === undefined) {
    c.exchange = exchange;
    if (exchange.mechanism === 'LOGIN') respond(c, exchange, '');
    else c.say(reply(334, '', ''));
  } else {
    // RFC 4954 §4: "=" is an initial response without octets.
    c.exchange = exchange;
    respond(c, exchange, words[1] === '=' ? '' : words[1]);
  }
}

/** A line of the client within the exchange. */
export function authResponse(c: Conversation, exchange: SaslExchange, line: string): void {
  // RFC 4954 §4: the client gives up.
  if (line === '*') {
    c.exchange = undefined;
    c.mistake(said.AUTH_CANCELLED);
  } else respond(c, exchange, line);
}

function respond(c: Conversation, exchange: SaslExchange, response: string): void {
  const step = exchange.respond(response);
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
    (answer) => {
      c.authenticated = answer.code === 235;
      if (answer.code < 500) c.say(answer);
      else if (c.tally.authFailed()) {
        c.say(answer);
        c.end(said.TOO_MANY_AUTH_FAILURES);
      } else c.mistake(answer);
    },
  );
}
