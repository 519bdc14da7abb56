import type { SaslRequest } from '@waybill/auth-client';
import { Garbage } from './conversation.ts';

/**
 * The lines of Dovecot's authentication protocol, client to server, as values: tab-separated fields, of which the
 * named ones come in any order and unknown ones are passed over. Versions 1.0 to 1.2. Pure.
 */
export type ClientLine =
  | { readonly kind: 'version'; readonly major: number; readonly minor: number }
  | { readonly kind: 'cpid' }
  | {
      readonly kind: 'auth';
      readonly id: string;
      readonly mechanism: string;
      readonly service: string;
      /** Address of the agent's own client. */
      readonly remote: string | undefined;
      /** base64; undefined: no initial response. */
      readonly response: string | undefined;
    }
  | { readonly kind: 'cont'; readonly id: string; readonly response: string }
  | { readonly kind: 'cancel'; readonly id: string };

/** Fields of one line; real clients send about fifteen. */
const MAX_FIELDS = 64;

/** @throws Garbage for what is no line of this protocol */
export function readClientLine(line: string): ClientLine {
  const fields = line.split('\t', MAX_FIELDS + 1);
  if (fields.length > MAX_FIELDS) throw new Garbage('a line of too many fields');
  const [command = '', first = '', second] = fields;
  switch (command) {
    case 'VERSION':
      return { kind: 'version', major: readNumber(first), minor: readNumber(second ?? '') };
    case 'CPID':
      return { kind: 'cpid' };
    case 'AUTH':
      return readAuth(fields);
    case 'CONT':
      return { kind: 'cont', id: readId(first), response: second ?? '' };
    case 'CANCEL':
      return { kind: 'cancel', id: readId(first) };
    default:
      throw new Garbage('an unknown command');
  }
}

function readAuth([, first = '', mechanism = '', ...parameters]: readonly string[]): ClientLine {
  const id = readId(first);
  if (mechanism === '') throw new Garbage('AUTH without a mechanism');
  let service = '';
  let remote: string | undefined;
  let response: string | undefined;
  for (const parameter of parameters) {
    // The initial response is the last one; what stands behind it came from the network, through an agent that
    // did not look at it.
    if (parameter.startsWith('resp=')) {
      response = readResponse(parameter.slice('resp='.length));
      break;
    }
    if (parameter.startsWith('service=')) service = unescapeTabs(parameter.slice(8)).toLowerCase();
    else if (parameter.startsWith('rip=')) remote = unescapeTabs(parameter.slice(4));
  }
  return { kind: 'auth', id, mechanism: mechanism.toUpperCase(), service, remote, response };
}

/** RFC 4954 §4: `=` is a response that is there and empty. Exim always says `resp=`, also where it has none. */
function readResponse(text: string): string | undefined {
  if (text === '') return undefined;
  return text === '=' ? '' : text;
}

/** Requests are numbered with 32 bits. */
function readId(text: string): string {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff) throw new Garbage('an id that is no number');
  return String(Number(text));
}

function readNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Garbage('a version that is no number');
  return Number(text);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['1', '\u0001'],
  ['t', '\t'],
  ['r', '\r'],
  ['l', '\n'],
]);

export function unescapeTabs(text: string): string {
  if (!text.includes('\u0001')) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character !== '\u0001') out += character;
    else if (++i < text.length) out += ESCAPES.get(text[i]!) ?? text[i]!;
  }
  return out;
}

/** For what we send: no tab or line end of a name may become one of the protocol. */
export function escapeTabs(text: string): string {
  let out = text.replaceAll('\u0001', '\u00011');
  for (const [letter, character] of ESCAPES)
    if (letter !== '1') out = out.replaceAll(character, `\u0001${letter}`);
  return out;
}

const SERVICES: ReadonlyMap<string, SaslRequest['protocol']> = new Map([
  ['smtp', 'smtp'],
  ['submission', 'smtp'],
  ['smtps', 'smtp'],
  ['imap', 'imap'],
  ['sieve', 'imap'],
  ['managesieve', 'imap'],
  ['pop3', 'pop3'],
]);

/** What a service of the agent is to us; undefined for one that we know nothing of. */
export function protocolOf(service: string): SaslRequest['protocol'] | undefined {
  return SERVICES.get(service);
}
