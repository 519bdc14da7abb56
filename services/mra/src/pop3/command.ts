/** A command line of RFC 1939 and its extensions as a value. */
import { isUtf8 } from 'node:buffer';

export type Pop3Command =
  | { readonly verb: 'CAPA' | 'NOOP' | 'QUIT' | 'RSET' | 'STAT' | 'STLS' }
  | { readonly verb: 'USER'; readonly name: string }
  | { readonly verb: 'PASS'; readonly password: string }
  | {
      readonly verb: 'AUTH';
      /** Null asks which mechanisms there are. */
      readonly mechanism: string | null;
      /** Base64; null when the client waits for a challenge (RFC 5034 §4). */
      readonly initial: string | null;
    }
  | { readonly verb: 'LIST' | 'UIDL'; readonly message: number | null }
  | { readonly verb: 'DELE' | 'RETR'; readonly message: number }
  | { readonly verb: 'TOP'; readonly message: number; readonly lines: number };

/** Why a line is no command; the text is the answer behind "-ERR ". */
export interface Malformed {
  readonly verb: 'malformed';
  readonly text: string;
}

/** RFC 2449 §4: a command line has at most 255 octets, its CRLF included. */
const MAX_COMMAND = 253;
const MAX_DIGITS = 10;

/** Reads a line without its CRLF. */
export function parseCommand(line: Buffer): Pop3Command | Malformed {
  if (!isUtf8(line) || line.includes(0)) return malformed('The line holds octets that no command has');
  const text = line.toString('utf8');
  const space = text.indexOf(' ');
  const verb = (space === -1 ? text : text.slice(0, space)).toUpperCase();
  const rest = space === -1 ? null : text.slice(space + 1);
  if (line.length > MAX_COMMAND && verb !== 'AUTH') return malformed('The line is too long');
  switch (verb) {
    case 'CAPA':
    case 'NOOP':
    case 'QUIT':
    case 'RSET':
    case 'STAT':
    case 'STLS':
      return rest === null ? { verb } : malformed(`${verb} takes no argument`);
    case 'USER':
      return rest === null || rest === '' ? malformed('USER takes a name') : { verb, name: rest };
    case 'PASS':
      // RFC 1939 §7 PASS: spaces belong to the password.
      return rest === null ? malformed('PASS takes a password') : { verb, password: rest };
    case 'AUTH':
      return auth(rest);
    case 'LIST':
    case 'UIDL': {
      if (rest === null) return { verb, message: null };
      const message = number(rest);
      return message === null ? malformed(`${verb} takes a message number or nothing`) : { verb, message };
    }
    case 'DELE':
    case 'RETR': {
      const message = number(rest);
      return message === null ? malformed(`${verb} takes a message number`) : { verb, message };
    }
    case 'TOP': {
      const [first = '', second = '', ...more] = (rest ?? '').split(' ');
      const message = number(first);
      const lines = number(second);
      if (message === null || lines === null || more.length > 0) {
        return malformed('TOP takes a message number and a number of lines');
      }
      return { verb, message, lines };
    }
    default:
      return malformed('There is no such command');
  }
}

function auth(rest: string | null): Pop3Command | Malformed {
  if (rest === null) return { verb: 'AUTH', mechanism: null, initial: null };
  const [mechanism = '', initial, ...more] = rest.split(' ');
  if (mechanism === '' || initial === '' || more.length > 0) {
    return malformed('AUTH takes a mechanism and at most one response');
  }
  return { verb: 'AUTH', mechanism: mechanism.toUpperCase(), initial: initial ?? null };
}

function number(text: string | null): number | null {
  if (text === null || text === '' || text.length > MAX_DIGITS) return null;
  for (let at = 0; at < text.length; at += 1) if (text[at]! < '0' || text[at]! > '9') return null;
  return Number(text);
}

function malformed(text: string): Malformed {
  return { verb: 'malformed', text };
}
