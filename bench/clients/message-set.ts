/**
 * The messages of the bench: the same ones for every side and every run, made from a seed. Six in ten are plain
 * text, a quarter text with HTML beside it, the rest carry an attachment in base64. Every hundredth has a rare word
 * in its body (RARE_WORD), which SEARCH is asked for.
 */
export const RARE_WORD = 'xylophone';
export const RARE_EVERY = 100;

/** A template of a message; what differs from one sending to the next goes between its two halves. */
export interface Template {
  /** Header up to where a Message-ID field may stand. */
  readonly before: Buffer;
  /** The rest. No line begins with a dot, all end with CR LF. */
  readonly after: Buffer;
}

/** Numbers from 0 up to 1 that follow from the seed (xorshift, 32 bits): good enough to pick words with. */
export function randomFrom(seed: number): () => number {
  let state = (seed | 0) === 0 ? 0x9e3779b9 : seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const ONSETS = [
  'b',
  'br',
  'd',
  'dr',
  'f',
  'g',
  'gl',
  'h',
  'k',
  'l',
  'm',
  'n',
  'p',
  'pr',
  'r',
  's',
  'st',
  't',
  'v',
  'w',
];
const VOWELS = ['a', 'e', 'i', 'o', 'u', 'ai', 'ea', 'ou'];
const CODAS = ['', '', 'n', 'r', 's', 'l', 'nd', 'st'];

/** 4,000 words that look pronounceable; earlier ones are picked more often, as in any language. */
const VOCABULARY: readonly string[] = makeVocabulary();

function makeVocabulary(): string[] {
  const random = randomFrom(41);
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  return Array.from({ length: 4000 }, () => {
    let word = '';
    for (let left = 1 + Math.floor(random() * 3); left > 0; left--)
      word += pick(ONSETS) + pick(VOWELS) + pick(CODAS);
    return word;
  });
}

function word(random: () => number): string {
  const rank = Math.floor(VOCABULARY.length * random() ** 2.5);
  return VOCABULARY[rank] ?? 'word';
}

/** Lines of words, about `octets` long altogether. */
function prose(random: () => number, octets: number): string {
  let text = '';
  let line = '';
  while (text.length + line.length < octets) {
    line += line === '' ? word(random) : ` ${word(random)}`;
    if (line.length < 66) continue;
    text += `${line}\r\n`;
    line = '';
  }
  return `${text}${line}\r\n`;
}

function base64Lines(random: () => number, octets: number): string {
  const raw = Buffer.alloc(Math.ceil(octets * 0.73));
  for (let at = 0; at < raw.length; at++) raw[at] = random() * 256;
  let text = '';
  const all = raw.toString('base64');
  for (let at = 0; at < all.length; at += 76) text += `${all.slice(at, at + 76)}\r\n`;
  return text;
}

/** The `index`-th message of the set, about `octets` long, from this address. */
function template(index: number, octets: number, from: string, random: () => number): Template {
  const subject = Array.from({ length: 3 + Math.floor(random() * 5) }, () => word(random)).join(' ');
  const sent = new Date(Date.UTC(2025, 0, 6) + index * 61_000).toUTCString().replace('GMT', '+0000');
  const before =
    `From: ${word(random)} ${word(random)} <${from}>\r\nTo: reader@bench.test\r\n` +
    `Subject: ${subject}\r\nDate: ${sent}\r\n`;
  const thread =
    index % 3 === 0
      ? ''
      : `In-Reply-To: <${index - 1}@thread.test>\r\nReferences: <${index - 1}@thread.test>\r\n`;
  const rare = index % RARE_EVERY === 0 ? `${RARE_WORD}\r\n` : '';
  const room = Math.max(100, octets - before.length - thread.length - 60);
  return {
    before: Buffer.from(before, 'latin1'),
    after: Buffer.from(`${thread}MIME-Version: 1.0\r\n${content(index, rare, room, random)}`, 'latin1'),
  };
}

function content(index: number, rare: string, room: number, random: () => number): string {
  const plain = 'Content-Type: text/plain; charset=utf-8\r\n';
  const kind = random();
  if (kind < 0.6) return `${plain}\r\n${rare}${prose(random, room - 60)}`;
  const boundary = `part-${index}-${Math.floor(random() * 1e6)}`;
  const part = (head: string, body: string): string => `--${boundary}\r\n${head}\r\n${body}\r\n`;
  if (kind < 0.85) {
    const half = Math.max(40, Math.floor((room - 300) / 2));
    return (
      `Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n` +
      part(plain, `${rare}${prose(random, half)}`) +
      part('Content-Type: text/html; charset=utf-8\r\n', `<p>${rare}${prose(random, half)}</p>\r\n`) +
      `--${boundary}--\r\n`
    );
  }
  const text = Math.max(40, Math.floor(room / 3));
  return (
    `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n` +
    part(plain, `${rare}${prose(random, text)}`) +
    part(
      `Content-Type: application/pdf; name="file${index}.pdf"\r\nContent-Transfer-Encoding: base64\r\n` +
        `Content-Disposition: attachment; filename="file${index}.pdf"\r\n`,
      base64Lines(random, Math.max(40, room - text - 420)),
    ) +
    `--${boundary}--\r\n`
  );
}

/** `count` templates of about `octets` each; always the same ones for the same arguments. */
export function messageSet(count: number, octets: number, from = 'writer@sender.test'): readonly Template[] {
  const random = randomFrom(octets * 31 + 7);
  return Array.from({ length: count }, (_, index) => template(index, octets, from, random));
}

/** One message whole, with this Message-ID. */
export function whole(from: Template, id: string): Buffer {
  return Buffer.concat([from.before, Buffer.from(`Message-ID: <${id}>\r\n`, 'latin1'), from.after]);
}
