/** A command that the grammar cannot read: becomes a tagged BAD. The text names place, wish and finding, never a value of the client's. */
export class ImapSyntaxError extends Error {
  /** Octets from the start of the command, literals not counted. */
  readonly offset: number;
  readonly wanted: string;
  readonly found: string;

  constructor(offset: number, wanted: string, found: string) {
    super(`Expected ${wanted} at octet ${offset}, found ${found}`);
    this.name = 'ImapSyntaxError';
    this.offset = offset;
    this.wanted = wanted;
    this.found = found;
  }
}
