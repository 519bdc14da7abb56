/** Encoded words of header fields (RFC 2047) to text. */
import { decodeCharset } from './charset.ts';
import { decodeQ } from './transfer-encoding.ts';

interface Word {
  readonly charset: string;
  /** As latin1 characters: cheaper to join than many small buffers. */
  readonly octets: string;
  readonly end: number;
}

/**
 * The value with every encoded word decoded. White space between two of them is dropped, and words of
 * one charset are joined as octets first, since senders cut characters in two (RFC 2047 §6.2, §5).
 * What looks like an encoded word and is none stays as it is. Linear.
 */
export function decodeWords(value: string): string {
  let text = '';
  let from = 0;
  let run: { charset: string; octets: string } | null = null;
  const flush = (): void => {
    if (run !== null) text += decodeCharset(Buffer.from(run.octets, 'latin1'), run.charset);
    run = null;
  };
  for (let at = value.indexOf('=?'); at !== -1; at = value.indexOf('=?', at)) {
    const word = readWord(value, at);
    if (word === null) {
      at += 2;
      continue;
    }
    const between = value.slice(from, at);
    const joins: boolean = run !== null && between.trim() === '';
    if (!joins) {
      flush();
      text += between;
    }
    const open: { charset: string; octets: string } | null = run;
    if (open !== null && open.charset === word.charset) open.octets += word.octets;
    else {
      flush();
      run = { charset: word.charset, octets: word.octets };
    }
    at = word.end;
    from = word.end;
  }
  if (from === 0) return value;
  flush();
  return text + value.slice(from);
}

/** `=?charset?B|Q?text?=` at this place; the text holds no `?` (RFC 2047 §2). */
function readWord(value: string, at: number): Word | null {
  const charsetEnd = value.indexOf('?', at + 2);
  if (charsetEnd === -1 || charsetEnd === at + 2 || charsetEnd - at > 80) return null;
  if (value[charsetEnd + 2] !== '?') return null;
  const textEnd = value.indexOf('?', charsetEnd + 3);
  if (textEnd === -1 || value[textEnd + 1] !== '=') return null;
  const charset = value.slice(at + 2, charsetEnd).toLowerCase();
  const text = value.slice(charsetEnd + 3, textEnd);
  const end = textEnd + 2;
  switch (value[charsetEnd + 1]) {
    case 'B':
    case 'b':
      return { charset, octets: Buffer.from(text, 'base64').toString('latin1'), end };
    case 'Q':
    case 'q':
      return { charset, octets: decodeQ(text), end };
    default:
      return null;
  }
}
