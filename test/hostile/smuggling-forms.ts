/**
 * Ways to make two hops see two different messages in the same octets, and to slip commands or replies into a
 * conversation before TLS protects it. Each with what must become of it.
 */

/** What a smuggler writes where he hopes that somebody sees the end of a message. */
export const FALSE_ENDS: readonly string[] = [
  '\n.\n',
  '\n.\r\n',
  '\n.\r',
  '\r.\r',
  '\r.\r\n',
  '\r.\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\r\n.\r\r\n',
  '\n\r\n.\n',
  '\r\n.\n\r\n',
  '\n\n.\n\n',
  '\r\n\n.\r\n',
  '\r\n..\n.\n',
];
/** The same with NUL, which no door takes. */
export const FALSE_ENDS_WITH_NUL: readonly string[] = [
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\0\n',
  '\r\0\n.\r\n',
];

/**
 * The text of a message with its lone CR and LF made CR LF: the whole of it, written down a second time and in
 * another way than the reader of the door. `wire` ends before the last CRLF.CRLF.
 */
export function normalised(wire: string): string {
  const parts = wire.split(/(\r\n|\r|\n)/);
  let before = '\r\n';
  let text = '';
  for (let i = 0; i < parts.length; i += 2) {
    const line = parts[i] ?? '';
    const end = parts[i + 1];
    // A dot is taken off a line behind CR LF; behind a lone LF only where the writer stuffed it.
    const stuffed = before === '\r\n' ? line.startsWith('.') : before === '\n' && line.startsWith('..');
    text += `${stuffed ? line.slice(1) : line}${end === undefined ? '' : '\r\n'}`;
    before = end ?? '';
  }
  return text;
}

/** A step of a conversation in clear that should become one under TLS. */
export type Step =
  | { readonly say: string }
  /** How the next reply begins; '' is any. */
  | { readonly hear: string }
  /** Whether the handshake comes about. */
  | { readonly tls: boolean };

export interface StartTlsForm {
  readonly name: string;
  readonly door: 'mx' | 'msa';
  /** After EHLO was answered. */
  readonly steps: readonly Step[];
}

const say = (octets: string): Step => ({ say: octets });
const hear = (reply: string): Step => ({ hear: reply });
const TLS: Step = { tls: true };
const NO_TLS: Step = { tls: false };
const AHEAD = [hear('554 5.5.0 '), hear('closed')];
const HELLO = [say('EHLO client.test\r\n'), hear('250-')];
const START = [say('STARTTLS\r\n'), hear('220 ')];
const FROM = 'MAIL FROM:<stranger@slow.test>\r\n';
const TO = 'RCPT TO:<bob@blue.test>\r\n';

const behind = (name: string, octets: string): StartTlsForm[] =>
  (['mx', 'msa'] as const).map((door) => ({
    name: `${name} in one segment with STARTTLS, at ${door}`,
    door,
    steps: [say(`STARTTLS\r\n${octets}`), ...AHEAD],
  }));

export const STARTTLS_FORMS: readonly StartTlsForm[] = [
  ...behind('a command', 'NOOP\r\n'),
  ...behind('an envelope', `EHLO client.test\r\n${FROM}${TO}DATA\r\n`),
  ...behind('a login', 'AUTH PLAIN AGFsaWNlAHNlc2FtZQ==\r\n'),
  ...behind('half a command', 'E'),
  ...behind('an empty line', '\r\n'),
  ...behind('a NUL', '\0'),
  ...behind('the beginning of a handshake', '\x16\x03\x01'),
  ...behind('a second STARTTLS', 'STARTTLS\r\n'),
  {
    name: 'commands before and behind STARTTLS in one segment',
    door: 'mx',
    steps: [say(`NOOP\r\nSTARTTLS\r\n${FROM}`), hear('250 '), ...AHEAD],
  },
  {
    name: 'a command in a segment of its own, before 220 is read',
    door: 'mx',
    steps: [say('STARTTLS\r\n'), say('NOOP\r\n'), hear(''), hear('closed')],
  },
  {
    name: 'a command in place of the handshake',
    door: 'mx',
    steps: [...START, say('NOOP\r\n'), hear('closed')],
  },
  { name: 'a command before the handshake', door: 'mx', steps: [...START, say('NOOP\r\n'), NO_TLS] },
  { name: 'one octet before the handshake', door: 'msa', steps: [...START, say('N'), NO_TLS] },
  {
    name: 'STARTTLS with a lone LF, at mx',
    door: 'mx',
    steps: [say('STARTTLS\n'), hear('500 5.5.2 '), hear('closed')],
  },
  {
    name: 'STARTTLS with a lone LF and a command behind it, at msa',
    door: 'msa',
    steps: [say('STARTTLS\nNOOP\n'), ...AHEAD],
  },
  {
    name: 'STARTTLS with an argument, and then without',
    door: 'mx',
    steps: [say('STARTTLS now\r\n'), hear('501 5.5.4 '), ...START, TLS, say('NOOP\r\n'), hear('250 ')],
  },
  {
    name: 'EHLO said in clear',
    door: 'mx',
    steps: [...START, TLS, say(FROM), hear('503 5.5.1 ')],
  },
  {
    name: 'MAIL said in clear',
    door: 'mx',
    steps: [say(FROM), hear('250 '), ...START, TLS, ...HELLO, say(TO), hear('503 5.5.1 ')],
  },
  {
    name: 'an envelope said in clear',
    door: 'mx',
    steps: [
      say(FROM),
      hear('250 '),
      say(TO),
      hear('250 '),
      ...START,
      TLS,
      ...HELLO,
      say('DATA\r\n'),
      hear('503 5.5.1 '),
    ],
  },
  {
    name: 'half a message sent by BDAT in clear',
    door: 'mx',
    steps: [
      ...[say(FROM), hear('250 '), say(TO), hear('250 '), say('BDAT 3\r\na\r\n'), hear('250 ')],
      ...[...START, TLS, ...HELLO, say('BDAT 3 LAST\r\nb\r\n'), hear('503 5.5.1 ')],
    ],
  },
  {
    name: 'a login in clear',
    door: 'msa',
    steps: [
      ...[say('AUTH PLAIN AGFsaWNlAHNlc2FtZQ==\r\n'), hear('530 5.7.0 ')],
      ...[...START, TLS, ...HELLO, say(FROM), hear('530 5.7.0 ')],
    ],
  },
  {
    name: 'half a login in clear',
    door: 'msa',
    steps: [
      say('AUTH LOGIN\r\n'),
      hear('530 5.7.0 '),
      ...START,
      TLS,
      ...HELLO,
      say('YWxpY2U=\r\n'),
      hear('500 5.5.1 '),
    ],
  },
  {
    name: 'STARTTLS under TLS',
    door: 'mx',
    steps: [...START, TLS, ...HELLO, say('STARTTLS\r\n'), hear('503 5.5.1 ')],
  },
];

/** What a host in the middle says to our client, and what must come of it. */
export interface ReplyForm {
  readonly name: string;
  /** Greeting, answer to EHLO, answer to STARTTLS; each leaves in one segment. */
  readonly says: readonly string[];
  /** The phase in which the client must give up. */
  readonly phase: string;
}

const GREETING = '220 mx.test\r\n';
const OFFER = '250-mx.test\r\n250 STARTTLS\r\n';
export const REPLY_FORMS: readonly ReplyForm[] = [
  { name: 'a reply behind 220', says: [GREETING, OFFER, '220 go\r\n250 injected\r\n'], phase: 'tls' },
  { name: 'half a reply behind 220', says: [GREETING, OFFER, '220 go\r\n250-inj'], phase: 'tls' },
  { name: 'one octet behind 220', says: [GREETING, OFFER, '220 go\r\n2'], phase: 'tls' },
  {
    name: 'an offer behind 220',
    says: [GREETING, OFFER, '220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n'],
    phase: 'tls',
  },
  { name: 'no reply behind 220', says: [GREETING, OFFER, '220 go\r\nwhat?\r\n'], phase: 'tls' },
  { name: 'the answer before the question', says: [GREETING, `${OFFER}220 go\r\n`], phase: 'tls' },
  { name: 'an answer behind the greeting', says: [`${GREETING}250 injected\r\n`], phase: 'hello' },
  { name: 'no STARTTLS in the offer', says: [GREETING, '250 mx.test\r\n'], phase: 'tls' },
  { name: 'a refusal of STARTTLS', says: [GREETING, OFFER, '454 4.7.0 later\r\n'], phase: 'tls' },
  {
    name: 'a code that changes within the offer',
    says: [GREETING, '250-mx.test\r\n220 STARTTLS\r\n'],
    phase: 'hello',
  },
];
