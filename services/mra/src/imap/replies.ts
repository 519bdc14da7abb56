/** All that a handler may throw: each is one answer. The client gets this text and no other; causes go to the log. */

/** Understood and refused: a tagged NO. RFC 3501 §7.1.2; codes of RFC 5530. */
export class No extends Error {
  readonly code: string | undefined;
  constructor(text: string, code?: string) {
    super(text);
    this.name = 'No';
    this.code = code;
  }
}

/** The client's mistake: a tagged BAD. RFC 3501 §7.1.3. */
export class Bad extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'Bad';
  }
}

/** The session ends: `tagged` is answered first where there is one, then an untagged BYE. RFC 3501 §7.1.5. */
export class Bye extends Error {
  readonly code: string | undefined;
  readonly tagged: No | undefined;
  constructor(text: string, code?: string, tagged?: No) {
    super(text);
    this.name = 'Bye';
    this.code = code;
    this.tagged = tagged;
  }
}

/** The connection is gone: nobody is there to be answered. */
export class Gone extends Error {
  constructor() {
    super('the client is gone');
    this.name = 'Gone';
  }
}
