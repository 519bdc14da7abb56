/**
 * What a foreign protocol is to its door: octets in, requests out, an answer for each. The protocols know no
 * sockets, the door no protocol.
 */
export interface Answer {
  readonly text: string | Buffer;
  /** For counting; few values. */
  readonly result: string;
  /** The connection ends after this answer. */
  readonly hangUp?: boolean;
}

export interface Request {
  /** Octets that it took. */
  readonly length: number;
  /** Left out where nothing is to be answered. May reject: then `trouble` is said. */
  readonly answer?: () => Promise<Answer> | Answer;
}

/** Nothing complete yet: not before there are so many octets. */
export interface Incomplete {
  readonly need: number;
}

export interface Conversation {
  /** Said before anything is asked. */
  readonly greeting: string;
  /** Requests that are answered at a time, in any order; more wait unread. 1 keeps answers in order. */
  readonly parallel: number;
  /** False while a client has not introduced itself; it has as long for that as for one request. */
  readonly ready: boolean;
  /** @throws Garbage: what came is not of this protocol */
  next(octets: Buffer): Request | Incomplete;
  /** The answer to a request that could not be worked on, or not in time: always a temporary one. */
  trouble(request: Request, why: 'failed' | 'late'): Answer;
}

/** The client does not speak the protocol: its connection ends, and the log says why. */
export class Garbage extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Garbage';
  }
}
