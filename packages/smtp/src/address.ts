/**
 * An address of the envelope, RFC 5321 §4.1.2. `local` is the local part without quoting,
 * `domain` is lower case, in A-label form, or an address literal in brackets;
 * '' only for the bare `postmaster` that RFC 5321 §4.5.1 requires.
 */
export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}
