/**
 * IMAP commands as values: what the grammar of RFC 3501 §9 (and the extensions named here) can say.
 * packages/imap turns octets into these; services/mra acts on them and never sees an octet of syntax.
 */

/** A sequence set, RFC 3501 `sequence-set`; '*' is Infinity. Ranges are ordered low ≤ high. */
export type NumberSet = readonly (readonly [low: number, high: number])[] | '$';

export interface FlagList {
  /** Bits of mailstore's FLAG. */
  readonly system: number;
  readonly keywords: readonly string[];
  /** `\Recent` was named; a client cannot set it (RFC 3501 §2.3.2). */
  readonly recent: boolean;
}

/** RFC 3501 `section`: BODY[1.2.HEADER.FIELDS (From)]. */
export interface Section {
  /** Part numbers; empty for the message itself. */
  readonly path: readonly number[];
  readonly text: 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME' | null;
  /** For HEADER.FIELDS and .NOT, as the client wrote them. */
  readonly fields: readonly string[];
}

export type FetchItem =
  | {
      readonly item:
        | 'ENVELOPE'
        | 'FLAGS'
        | 'INTERNALDATE'
        | 'RFC822.SIZE'
        | 'UID'
        | 'BODY'
        | 'BODYSTRUCTURE'
        | 'MODSEQ';
    }
  | { readonly item: 'RFC822' | 'RFC822.HEADER' | 'RFC822.TEXT' }
  | {
      readonly item: 'SECTION';
      readonly section: Section;
      readonly peek: boolean;
      readonly partial: readonly [offset: number, length: number] | null;
    };

export type SearchKey =
  | { readonly key: 'ALL' }
  | { readonly key: 'FLAG'; readonly flag: number; readonly set: boolean }
  | { readonly key: 'KEYWORD'; readonly keyword: string; readonly set: boolean }
  | { readonly key: 'RECENT'; readonly set: boolean }
  | { readonly key: 'NEW' }
  | { readonly key: 'SEQUENCE'; readonly set: NumberSet }
  | { readonly key: 'UID'; readonly set: NumberSet }
  | {
      readonly key: 'BEFORE' | 'ON' | 'SINCE' | 'SENTBEFORE' | 'SENTON' | 'SENTSINCE';
      /** midnight UTC of the day, ms */ readonly day: number;
    }
  | { readonly key: 'LARGER' | 'SMALLER'; readonly size: number }
  | { readonly key: 'HEADER'; readonly field: string; readonly value: string }
  | { readonly key: 'BCC' | 'CC' | 'FROM' | 'SUBJECT' | 'TO' | 'BODY' | 'TEXT'; readonly value: string }
  | { readonly key: 'NOT'; readonly of: SearchKey }
  | { readonly key: 'OR'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly key: 'AND'; readonly of: readonly SearchKey[] };

export type StatusItem =
  | 'MESSAGES'
  | 'RECENT'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN'
  | 'HIGHESTMODSEQ'
  | 'SIZE';

/** Every command, tag beside it. `uid` tells the UID form. Mailbox names are decoded (UTF-8), INBOX upper-cased. */
export type Command = { readonly tag: string } & (
  | {
      readonly verb:
        | 'CAPABILITY'
        | 'NOOP'
        | 'LOGOUT'
        | 'STARTTLS'
        | 'CHECK'
        | 'CLOSE'
        | 'UNSELECT'
        | 'EXPUNGE'
        | 'IDLE'
        | 'NAMESPACE';
    }
  | { readonly verb: 'LOGIN'; readonly username: string; readonly password: string }
  | {
      readonly verb: 'AUTHENTICATE';
      readonly mechanism: string;
      /** SASL-IR, base64; '=' is the empty response */ readonly initial: string | null;
    }
  | { readonly verb: 'ID'; readonly fields: ReadonlyMap<string, string | null> | null }
  | { readonly verb: 'ENABLE'; readonly capabilities: readonly string[] }
  | { readonly verb: 'SELECT' | 'EXAMINE'; readonly mailbox: string }
  | {
      readonly verb: 'CREATE';
      readonly mailbox: string;
      /** RFC 6154 §3 USE */ readonly specialUse: string | null;
    }
  | { readonly verb: 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE'; readonly mailbox: string }
  | { readonly verb: 'RENAME'; readonly from: string; readonly to: string }
  | {
      readonly verb: 'LIST' | 'LSUB';
      readonly reference: string;
      readonly pattern: string;
      /** RFC 6154 RETURN (SPECIAL-USE) or selection */ readonly specialUseOnly: boolean;
    }
  | { readonly verb: 'STATUS'; readonly mailbox: string; readonly items: readonly StatusItem[] }
  | {
      readonly verb: 'APPEND';
      readonly mailbox: string;
      readonly flags: FlagList;
      /** ms since the epoch */ readonly internalDate: number | null;
      readonly message: Buffer;
    }
  | {
      readonly verb: 'SEARCH';
      readonly uid: boolean;
      readonly charset: string | null;
      readonly criteria: SearchKey;
    }
  | {
      readonly verb: 'FETCH';
      readonly uid: boolean;
      readonly set: NumberSet;
      readonly items: readonly FetchItem[];
    }
  | {
      readonly verb: 'STORE';
      readonly uid: boolean;
      readonly set: NumberSet;
      readonly mode: 'set' | 'add' | 'remove';
      readonly silent: boolean;
      readonly flags: FlagList;
    }
  | {
      readonly verb: 'COPY' | 'MOVE';
      readonly uid: boolean;
      readonly set: NumberSet;
      readonly mailbox: string;
    }
  | { readonly verb: 'UID EXPUNGE'; readonly set: NumberSet }
);

export type Verb = Command['verb'];
