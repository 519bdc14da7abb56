/** Commands that are none, or not now, or too much: what is sent to a real mx, and the replies, in order. */
export interface Malformed {
  /** Said after EHLO was answered, unless `greetedOnly`. */
  readonly say: string;
  readonly replies: readonly string[];
  readonly greetedOnly?: true;
}

const UNKNOWN = '500 5.5.1 ';
const BAD = '500 5.5.2 ';
const CLOSED = 'closed';
const FROM = 'MAIL FROM:<stranger@slow.test>';

const rows: readonly (readonly [string, ...string[]])[] = [
  // No command.
  ['\r\n', UNKNOWN],
  [' \r\n', UNKNOWN],
  [' NOOP\r\n', UNKNOWN],
  ['\tNOOP\r\n', UNKNOWN],
  ['NO OP\r\n', UNKNOWN],
  ['NOOPS\r\n', UNKNOWN],
  ['MAILFROM:<a@red.test>\r\n', UNKNOWN],
  ['MAIL\tFROM:<a@red.test>\r\n', UNKNOWN],
  ['EXPN staff\r\n', UNKNOWN],
  ['TURN\r\n', UNKNOWN],
  ['ETRN red.test\r\n', UNKNOWN],
  ['LHLO client.test\r\n', UNKNOWN],
  ['XCLIENT ADDR=127.0.0.1\r\n', UNKNOWN],
  ['XFORWARD ADDR=127.0.0.1\r\n', UNKNOWN],
  ['PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n', UNKNOWN],
  ['__proto__ x\r\n', UNKNOWN],
  ['constructor\r\n', UNKNOWN],
  ['toString\r\n', UNKNOWN],
  ['\u{5F}\u{5F}defineGetter__ x\r\n', UNKNOWN],
  // Octets and line ends.
  ['NOOP\0\r\n', BAD],
  ['NO\0OP\r\n', BAD],
  ['NOOP \x1B[2J\r\n', BAD],
  ['NOOP \x08\x08\r\n', BAD],
  ['NOOP \xC3\x28\r\n', BAD],
  ['\xFF\xFE\x00\x01\r\n', BAD],
  ['NOOP\n', BAD, CLOSED],
  ['NOOP\r\r\n', BAD, CLOSED],
  ['NO\rOP\r\n', BAD, CLOSED],
  ['NOOP\n\r\nNOOP\r\n', BAD, CLOSED],
  ['\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n', BAD],
  // Length.
  [`NOOP ${'x'.repeat(2043)}\r\n`, '250 2.0.0 '],
  [`NOOP ${'x'.repeat(2044)}\r\n`, BAD],
  [`NOOP ${'x'.repeat(60_000)}\r\n`, BAD],
  [`NOOP ${'x'.repeat(66_000)}`, BAD, CLOSED],
  [`${FROM} ${'SIZE=1 '.repeat(400)}\r\n`, BAD],
  // Order.
  ['RCPT TO:<alice@red.test>\r\n', '503 5.5.1 '],
  ['DATA\r\n', '503 5.5.1 '],
  ['BDAT 2 LAST\r\n\r\n', '503 5.5.1 '],
  [`${FROM}\r\n${FROM}\r\n`, '250 2.1.0 ', '503 5.5.1 '],
  [`${FROM}\r\nDATA\r\n`, '250 2.1.0 ', '554 5.5.1 '],
  [`${FROM}\r\nBDAT 2 LAST\r\n\r\n`, '250 2.1.0 ', '554 5.5.1 '],
  ['AUTH PLAIN AGEAYg==\r\n', '502 5.5.1 '],
  // Arguments.
  ['DATA now\r\n', '501 5.5.4 '],
  ['RSET now\r\n', '501 5.5.4 '],
  ['STARTTLS now\r\n', '501 5.5.4 '],
  ['EHLO\r\n', '501 5.5.4 '],
  ['HELO \r\n', '501 5.5.4 '],
  ['MAIL\r\n', '501 5.5.4 '],
  ['MAIL TO:<a@red.test>\r\n', '501 5.5.4 '],
  ['MAIL FROM <a@red.test>\r\n', '501 5.5.4 '],
  ['MAIL FROM:\r\n', '553 5.1.7 '],
  ['MAIL FROM:a@red.test\r\n', '553 5.1.7 '],
  ['MAIL FROM:<a@@red.test>\r\n', '553 5.1.7 '],
  ['MAIL FROM:<a..b@red.test>\r\n', '553 5.1.7 '],
  ['MAIL FROM:<a@red.test\r\n', '553 5.1.7 '],
  [`MAIL FROM:<${'a'.repeat(65)}@slow.test>\r\n`, '553 5.1.7 '],
  [`MAIL FROM:<a@${'b'.repeat(64)}.test>\r\n`, '553 5.1.7 '],
  ['MAIL FROM:<\xC3\xA4@slow.test>\r\n', '553 5.6.7 '],
  [`${FROM} FOO=BAR\r\n`, '555 5.5.4 '],
  [`${FROM} __proto__=1\r\n`, '555 5.5.4 '],
  [`${FROM} XJOURNEY=0190b3c4-0000-7000-8000-000000000001\r\n`, '555 5.5.4 '],
  [`${FROM} AUTH=<>\r\n`, '555 5.5.4 '],
  [`${FROM} BODY=BINARYMIME\r\n`, '555 5.5.4 '],
  [`${FROM} BODY=9BIT\r\n`, '501 5.5.4 '],
  [`${FROM} SIZE=-1\r\n`, '501 5.5.4 '],
  [`${FROM} SIZE=1e9\r\n`, '501 5.5.4 '],
  [`${FROM} SIZE=1 SIZE=2\r\n`, '501 5.5.4 '],
  [`${FROM} SIZE=99999999999999999999\r\n`, '552 5.3.4 '],
  [`${FROM} SIZE=999999999999\r\n`, '552 5.3.4 '],
  [`${FROM} SMTPUTF8=1\r\n`, '501 5.5.4 '],
  [`${FROM} ENVID=a+0Ab\r\n`, '501 5.5.4 '],
  [`${FROM}SIZE=1\r\n`, '501 5.5.4 '],
  [`${FROM}\r\nRCPT TO:<alice@red.test> NOTIFY=NEVER,FAILURE\r\n`, '250 2.1.0 ', '501 5.5.4 '],
  [`${FROM}\r\nRCPT TO:<alice@red.test> ORCPT=rfc822;a+0D+0Ab\r\n`, '250 2.1.0 ', '501 5.5.4 '],
  [`${FROM}\r\nRCPT TO:<alice@red.test> FOO=BAR\r\n`, '250 2.1.0 ', '555 5.5.4 '],
  [`${FROM}\r\nRCPT TO:<\xC3\xA4@red.test>\r\n`, '250 2.1.0 ', '553 5.6.7 '],
  // Chunks whose number of octets cannot be known.
  ['BDAT\r\n', '501 5.5.4 ', CLOSED],
  ['BDAT x\r\nNOOP\r\n', '501 5.5.4 ', CLOSED],
  ['BDAT -1\r\nNOOP\r\n', '501 5.5.4 ', CLOSED],
  ['BDAT 18446744073709551616\r\nNOOP\r\n', '552 5.3.4 ', CLOSED],
  // What is no mail client.
  ['GET / HTTP/1.1\r\nHost: mx.red.test\r\n\r\n', '500 5.5.1 ', CLOSED],
  ['POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\nMAIL FROM:<a@red.test>\r\n', '500 5.5.1 ', CLOSED],
  ['CONNECT mx.red.test:25 HTTP/1.1\r\n\r\n', '500 5.5.1 ', CLOSED],
];

const greeted: readonly (readonly [string, ...string[]])[] = [
  [`${FROM}\r\n`, '503 5.5.1 '],
  ['STARTTLS\r\n', '503 5.5.1 '],
  ['VRFY alice\r\n', '503 5.5.1 '],
  ['BDAT 6\r\nQUIT\r\n', '503 5.5.1 '],
  [`EHLO client.test\r\n${FROM}\r\n`, '554 5.5.0 ', CLOSED],
  ['EHLO client.test\r\nQ', '554 5.5.0 ', CLOSED],
  ['HELO client.test\r\nNOOP\r\n', '554 5.5.0 ', CLOSED],
  ['EHLO \r\n', '501 5.5.4 '],
  ['GET / HTTP/1.0\r\n\r\n', '500 5.5.1 ', CLOSED],
];

export const MALFORMED: readonly Malformed[] = [
  ...rows.map(([say, ...replies]) => ({ say, replies })),
  ...greeted.map(([say, ...replies]): Malformed => ({ say, replies, greetedOnly: true })),
];
