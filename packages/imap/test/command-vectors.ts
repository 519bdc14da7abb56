/** What clients send, and the values that must come of it. Each `octets` is one complete command. */
import type { Command, SearchKey } from '../src/index.ts';

export interface CommandVector {
  readonly octets: string;
  readonly command: Command;
  /** Continuation requests that the command needs. */
  readonly continues?: number;
}

const NO_FLAGS = { system: 0, keywords: [], recent: false };
const INF = Number.POSITIVE_INFINITY;

function search(octets: string, criteria: SearchKey, charset: string | null = null): CommandVector {
  return {
    octets: `s SEARCH ${octets}\r\n`,
    command: { tag: 's', verb: 'SEARCH', uid: false, charset, criteria },
  };
}

function bare(verb: 'NOOP' | 'CAPABILITY' | 'LOGOUT' | 'IDLE' | 'UNSELECT' | 'EXPUNGE'): CommandVector {
  return { octets: `x.1 ${verb.toLowerCase()}\r\n`, command: { tag: 'x.1', verb } };
}

export const COMMAND_VECTORS: readonly CommandVector[] = [
  bare('NOOP'),
  bare('CAPABILITY'),
  bare('LOGOUT'),
  bare('IDLE'),
  bare('UNSELECT'),
  bare('EXPUNGE'),
  {
    octets: 'a LOGIN alice@red.test secret]\r\n',
    command: { tag: 'a', verb: 'LOGIN', username: 'alice@red.test', password: 'secret]' },
  },
  {
    octets: 'a LOGIN "al ice" "p\\"a\\\\s"\r\n',
    command: { tag: 'a', verb: 'LOGIN', username: 'al ice', password: 'p"a\\s' },
  },
  {
    octets: 'a LOGIN "" "p\u00e4ss"\r\n',
    command: { tag: 'a', verb: 'LOGIN', username: '', password: 'p\u00e4ss' },
  },
  {
    octets: 'a LOGIN {5}\r\nalice {3}\r\np\r\n\r\n',
    continues: 2,
    command: { tag: 'a', verb: 'LOGIN', username: 'alice', password: 'p\r\n' },
  },
  {
    octets: 'a LOGIN {5+}\r\nalice {0+}\r\n\r\n',
    command: { tag: 'a', verb: 'LOGIN', username: 'alice', password: '' },
  },
  {
    octets: 'a LOGIN {0}\r\n "x {3}"\r\n',
    continues: 1,
    command: { tag: 'a', verb: 'LOGIN', username: '', password: 'x {3}' },
  },
  {
    octets: 'a AUTHENTICATE plain\r\n',
    command: { tag: 'a', verb: 'AUTHENTICATE', mechanism: 'PLAIN', initial: null },
  },
  {
    octets: 'a AUTHENTICATE PLAIN AGEAYg==\r\n',
    command: { tag: 'a', verb: 'AUTHENTICATE', mechanism: 'PLAIN', initial: 'AGEAYg==' },
  },
  {
    octets: 'a AUTHENTICATE PLAIN =\r\n',
    command: { tag: 'a', verb: 'AUTHENTICATE', mechanism: 'PLAIN', initial: '=' },
  },
  { octets: 'a ID nil\r\n', command: { tag: 'a', verb: 'ID', fields: null } },
  {
    octets: 'a ID ("name" "mutt" "os" NIL)\r\n',
    command: {
      tag: 'a',
      verb: 'ID',
      fields: new Map([
        ['name', 'mutt'],
        ['os', null],
      ]),
    },
  },
  {
    octets: 'a ENABLE condstore X-GOOD\r\n',
    command: { tag: 'a', verb: 'ENABLE', capabilities: ['CONDSTORE', 'X-GOOD'] },
  },
  { octets: 'a SELECT inbox\r\n', command: { tag: 'a', verb: 'SELECT', mailbox: 'INBOX' } },
  { octets: 'a EXAMINE InBox/Work\r\n', command: { tag: 'a', verb: 'EXAMINE', mailbox: 'INBOX/Work' } },
  { octets: 'a SELECT inboxes\r\n', command: { tag: 'a', verb: 'SELECT', mailbox: 'inboxes' } },
  { octets: 'a DELETE "a b"\r\n', command: { tag: 'a', verb: 'DELETE', mailbox: 'a b' } },
  {
    octets: 'a SUBSCRIBE ~peter/mail/&U,BTFw-/&ZeVnLIqe-\r\n',
    command: { tag: 'a', verb: 'SUBSCRIBE', mailbox: '~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e' },
  },
  {
    octets: 'a UNSUBSCRIBE {4}\r\na&-b\r\n',
    continues: 1,
    command: { tag: 'a', verb: 'UNSUBSCRIBE', mailbox: 'a&b' },
  },
  { octets: 'a CREATE Foo/\r\n', command: { tag: 'a', verb: 'CREATE', mailbox: 'Foo/', specialUse: null } },
  {
    octets: 'a CREATE Out (use (\\SENT))\r\n',
    command: { tag: 'a', verb: 'CREATE', mailbox: 'Out', specialUse: '\\Sent' },
  },
  {
    octets: 'a CREATE Out (USE ())\r\n',
    command: { tag: 'a', verb: 'CREATE', mailbox: 'Out', specialUse: null },
  },
  {
    octets: 'a RENAME {1}\r\nA {3+}\r\nB C\r\n',
    continues: 1,
    command: { tag: 'a', verb: 'RENAME', from: 'A', to: 'B C' },
  },
  {
    octets: 'a LIST "" *\r\n',
    command: { tag: 'a', verb: 'LIST', reference: '', pattern: '*', specialUseOnly: false },
  },
  {
    octets: 'a LIST ~/Mail/ %/x]\r\n',
    command: { tag: 'a', verb: 'LIST', reference: '~/Mail/', pattern: '%/x]', specialUseOnly: false },
  },
  {
    octets: 'a LIST "" "&AOk-*"\r\n',
    command: { tag: 'a', verb: 'LIST', reference: '', pattern: '\u00e9*', specialUseOnly: false },
  },
  {
    octets: 'a LIST "" "&AO*"\r\n',
    command: { tag: 'a', verb: 'LIST', reference: '', pattern: '&AO*', specialUseOnly: false },
  },
  {
    octets: 'a LIST (SPECIAL-USE) "" "*"\r\n',
    command: { tag: 'a', verb: 'LIST', reference: '', pattern: '*', specialUseOnly: true },
  },
  {
    octets: 'a LIST () "" {1}\r\n%\r\n',
    continues: 1,
    command: { tag: 'a', verb: 'LIST', reference: '', pattern: '%', specialUseOnly: false },
  },
  {
    octets: 'a LIST "" % RETURN (special-use CHILDREN)\r\n',
    command: { tag: 'a', verb: 'LIST', reference: '', pattern: '%', specialUseOnly: false },
  },
  {
    octets: 'a LSUB "" ""\r\n',
    command: { tag: 'a', verb: 'LSUB', reference: '', pattern: '', specialUseOnly: false },
  },
  {
    octets: 'a STATUS INBOX (messages UIDNEXT MESSAGES)\r\n',
    command: { tag: 'a', verb: 'STATUS', mailbox: 'INBOX', items: ['MESSAGES', 'UIDNEXT'] },
  },
  {
    octets: 'a APPEND INBOX {5}\r\na\r\nb\u0000\r\n',
    continues: 1,
    command: {
      tag: 'a',
      verb: 'APPEND',
      mailbox: 'INBOX',
      flags: NO_FLAGS,
      internalDate: null,
      message: Buffer.from('a\r\nb\0'),
    },
  },
  {
    octets: 'a APPEND {4}\r\nSent (\\Seen \\recent $Fwd \\DRAFT) " 7-Jul-1996 02:44:25 -0730" {0+}\r\n\r\n',
    continues: 1,
    command: {
      tag: 'a',
      verb: 'APPEND',
      mailbox: 'Sent',
      flags: { system: 17, keywords: ['$Fwd'], recent: true },
      internalDate: Date.UTC(1996, 6, 7, 10, 14, 25),
      message: Buffer.alloc(0),
    },
  },
  {
    octets: 'a FETCH 1:3,*:7 ALL\r\n',
    command: {
      tag: 'a',
      verb: 'FETCH',
      uid: false,
      set: [
        [1, 3],
        [7, INF],
      ],
      items: [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }, { item: 'ENVELOPE' }],
    },
  },
  {
    octets: 'a FETCH * full\r\n',
    command: {
      tag: 'a',
      verb: 'FETCH',
      uid: false,
      set: [[INF, INF]],
      items: [
        { item: 'FLAGS' },
        { item: 'INTERNALDATE' },
        { item: 'RFC822.SIZE' },
        { item: 'ENVELOPE' },
        { item: 'BODY' },
      ],
    },
  },
  {
    octets: 'a UID FETCH 4:2 (UID BODY BODYSTRUCTURE RFC822 RFC822.HEADER RFC822.TEXT)\r\n',
    command: {
      tag: 'a',
      verb: 'FETCH',
      uid: true,
      set: [[2, 4]],
      items: [
        { item: 'UID' },
        { item: 'BODY' },
        { item: 'BODYSTRUCTURE' },
        { item: 'RFC822' },
        { item: 'RFC822.HEADER' },
        { item: 'RFC822.TEXT' },
      ],
    },
  },
  {
    octets: 'a FETCH 2 BODY[]<5.10>\r\n',
    command: {
      tag: 'a',
      verb: 'FETCH',
      uid: false,
      set: [[2, 2]],
      items: [
        { item: 'SECTION', section: { path: [], text: null, fields: [] }, peek: false, partial: [5, 10] },
      ],
    },
  },
  {
    octets: 'a FETCH 2 (BODY.PEEK[1.2.header.fields.not ("To" {2+}\r\ncc)] BODY[3])\r\n',
    command: {
      tag: 'a',
      verb: 'FETCH',
      uid: false,
      set: [[2, 2]],
      items: [
        {
          item: 'SECTION',
          section: { path: [1, 2], text: 'HEADER.FIELDS.NOT', fields: ['To', 'cc'] },
          peek: true,
          partial: null,
        },
        { item: 'SECTION', section: { path: [3], text: null, fields: [] }, peek: false, partial: null },
      ],
    },
  },
  {
    octets: 'a FETCH 2 BODY[HEADER.FIELDS ({4}\r\nFrom)]\r\n',
    continues: 1,
    command: {
      tag: 'a',
      verb: 'FETCH',
      uid: false,
      set: [[2, 2]],
      items: [
        {
          item: 'SECTION',
          section: { path: [], text: 'HEADER.FIELDS', fields: ['From'] },
          peek: false,
          partial: null,
        },
      ],
    },
  },
  {
    octets: 'a STORE 1 +FLAGS.SILENT (\\Deleted)\r\n',
    command: {
      tag: 'a',
      verb: 'STORE',
      uid: false,
      set: [[1, 1]],
      mode: 'add',
      silent: true,
      flags: { system: 8, keywords: [], recent: false },
    },
  },
  {
    octets: 'a UID STORE 1,5 -flags \\Seen a A b\r\n',
    command: {
      tag: 'a',
      verb: 'STORE',
      uid: true,
      set: [
        [1, 1],
        [5, 5],
      ],
      mode: 'remove',
      silent: false,
      flags: { system: 1, keywords: ['a', 'b'], recent: false },
    },
  },
  {
    octets: 'a STORE 1 FLAGS ()\r\n',
    command: {
      tag: 'a',
      verb: 'STORE',
      uid: false,
      set: [[1, 1]],
      mode: 'set',
      silent: false,
      flags: NO_FLAGS,
    },
  },
  {
    octets: 'a COPY 2:4 Trash\r\n',
    command: { tag: 'a', verb: 'COPY', uid: false, set: [[2, 4]], mailbox: 'Trash' },
  },
  {
    octets: 'a UID MOVE 4294967295 Trash\r\n',
    command: { tag: 'a', verb: 'MOVE', uid: true, set: [[4294967295, 4294967295]], mailbox: 'Trash' },
  },
  { octets: 'a UID EXPUNGE 3000:3002\r\n', command: { tag: 'a', verb: 'UID EXPUNGE', set: [[3000, 3002]] } },
  {
    octets: 'a UID SEARCH UID 1:* UNSEEN\r\n',
    command: {
      tag: 'a',
      verb: 'SEARCH',
      uid: true,
      charset: null,
      criteria: {
        key: 'AND',
        of: [
          { key: 'UID', set: [[1, INF]] },
          { key: 'FLAG', flag: 1, set: false },
        ],
      },
    },
  },
  search('ALL', { key: 'ALL' }),
  search('1,3:*', {
    key: 'SEQUENCE',
    set: [
      [1, 1],
      [3, INF],
    ],
  }),
  search('NEW OLD RECENT', {
    key: 'AND',
    of: [{ key: 'NEW' }, { key: 'RECENT', set: false }, { key: 'RECENT', set: true }],
  }),
  search('KEYWORD $Junk UNKEYWORD x', {
    key: 'AND',
    of: [
      { key: 'KEYWORD', keyword: '$Junk', set: true },
      { key: 'KEYWORD', keyword: 'x', set: false },
    ],
  }),
  search('SENTSINCE "1-Feb-1994"', { key: 'SENTSINCE', day: Date.UTC(1994, 1, 1) }),
  search('BEFORE 29-feb-2024', { key: 'BEFORE', day: Date.UTC(2024, 1, 29) }),
  search('LARGER 0', { key: 'LARGER', size: 0 }),
  search('HEADER Message-ID <x@y>', { key: 'HEADER', field: 'Message-ID', value: '<x@y>' }),
  search('NOT OR (SEEN) NOT FROM "a b"', {
    key: 'NOT',
    of: {
      key: 'OR',
      left: { key: 'FLAG', flag: 1, set: true },
      right: { key: 'NOT', of: { key: 'FROM', value: 'a b' } },
    },
  }),
  search('(TEXT x (BODY y))', {
    key: 'AND',
    of: [
      { key: 'TEXT', value: 'x' },
      { key: 'BODY', value: 'y' },
    ],
  }),
  search('CHARSET utf-8 SUBJECT {3+}\r\n\u20ac', { key: 'SUBJECT', value: '\u20ac' }, 'UTF-8'),
  search('CHARSET KOI8-R SUBJECT "\u0099"', { key: 'SUBJECT', value: '\u00c2\u0099' }, 'KOI8-R'),
];
