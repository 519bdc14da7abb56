import type { Answer, Conversation, Incomplete, Request } from './conversation.ts';
import type { DirectoryQuestions } from './directory-questions.ts';
import { type Found, MAPS } from './maps.ts';
import { netstring, readNetstring } from './netstring.ts';

/**
 * Postfix's socketmap protocol (socketmap_table(5)): `map key` as a netstring, one answer each, in order. Trouble
 * is TEMP or TIMEOUT; NOTFOUND is said only of what has been looked for.
 */
/** Octets of a request: a key has at most 100,000, and a map's name stands in front of it. */
const MAX_REQUEST = 100_256;

export class SocketmapConversation implements Conversation {
  readonly greeting = '';
  readonly parallel = 1;
  readonly ready = true;
  readonly #directory: DirectoryQuestions;

  constructor(directory: DirectoryQuestions) {
    this.#directory = directory;
  }

  next(octets: Buffer): Request | Incomplete {
    const read = readNetstring(octets, MAX_REQUEST);
    if ('need' in read) return read;
    const text = read.data.toString('utf8');
    return { length: read.length, answer: () => this.#answer(text) };
  }

  async #answer(text: string): Promise<Answer> {
    const space = text.indexOf(' ');
    const name = space < 0 ? text : text.slice(0, space);
    const lookUp = MAPS.get(name);
    if (space < 0 || lookUp === undefined)
      return say('refused', `PERM there is no such map; there are ${[...MAPS.keys()].join(', ')}`);
    return answerOf(await lookUp(text.slice(space + 1), this.#directory));
  }

  trouble(_request: Request, why: 'failed' | 'late'): Answer {
    return why === 'late'
      ? say('try-later', 'TIMEOUT the directory takes too long')
      : say('try-later', 'TEMP the directory cannot answer now');
  }
}

function answerOf(found: Found): Answer {
  switch (found.kind) {
    case 'found':
      return say('found', `OK ${found.value}`);
    case 'not-found':
      return say('not-found', 'NOTFOUND ');
    case 'try-later':
      return say('try-later', `TEMP ${found.reason}`);
    default:
      return found satisfies never;
  }
}

function say(result: string, text: string): Answer {
  return { text: netstring(text), result };
}
