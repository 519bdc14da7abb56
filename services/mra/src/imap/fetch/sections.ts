/**
 * Sections of a stored message as pieces of its octets, nothing copied: RFC 3501 §6.4.5. A message is the
 * delivery's prefix (header lines of its own) and then the body that every recipient shares; the prefix
 * belongs to the header of the whole message and to nothing else.
 */
import type { Section } from '@waybill/imap';
import type { StoredMessage } from '@waybill/mailstore';
import { decodeSummary, type Part, type Range, sectionRange, selectFields } from '@waybill/message';

const CRLF = Buffer.from('\r\n');

export class Sections {
  readonly #message: StoredMessage;
  #root: Part | undefined;

  constructor(message: StoredMessage) {
    this.#message = message;
  }

  get #parts(): Part {
    return (this.#root ??= decodeSummary(this.#message.summary).root);
  }

  whole(): readonly Buffer[] {
    return [this.#message.prefix, this.#message.body];
  }

  header(): readonly Buffer[] {
    return [this.#message.prefix, this.#slice(this.#parts.header)];
  }

  text(): readonly Buffer[] {
    return [this.#slice(this.#parts.content)];
  }

  /** Null where the message has no such section: answered as NIL. */
  pieces(section: Section): readonly Buffer[] | null {
    const { path, text } = section;
    if (path.length === 0) {
      switch (text) {
        case null:
          return this.whole();
        case 'HEADER':
          return this.header();
        case 'TEXT':
          return this.text();
        case 'MIME':
          return null;
        default:
          return this.#fieldsOf(Buffer.concat([...this.header()]), undefined, section);
      }
    }
    const range = sectionRange(this.#parts, path, asRange(text));
    if (range === undefined) return null;
    if (text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT')
      return this.#fieldsOf(this.#message.body, range, section);
    return [this.#slice(range)];
  }

  #fieldsOf(octets: Buffer, range: Range | undefined, section: Section): readonly Buffer[] {
    const header = range ?? { start: 0, end: octets.length };
    const pieces = selectFields(octets, header, section.fields, section.text === 'HEADER.FIELDS.NOT').map(
      ({ start, end }) => octets.subarray(start, end),
    );
    // RFC 3501 §6.4.5: the empty line is always there.
    pieces.push(CRLF);
    return pieces;
  }

  #slice({ start, end }: Range): Buffer {
    return this.#message.body.subarray(start, end);
  }
}

function asRange(text: Section['text']): 'HEADER' | 'TEXT' | 'MIME' | null {
  return text === 'HEADER.FIELDS' || text === 'HEADER.FIELDS.NOT' ? 'HEADER' : text;
}

/** Octets [offset, offset + length) of pieces that follow each other; what lies beyond the end is left out. */
export function partial(
  pieces: readonly Buffer[],
  [offset, length]: readonly [offset: number, length: number],
): readonly Buffer[] {
  const cut: Buffer[] = [];
  let at = 0;
  const end = offset + length;
  for (const piece of pieces) {
    const from = Math.max(offset - at, 0);
    const to = Math.min(end - at, piece.length);
    if (from < to) cut.push(piece.subarray(from, to));
    at += piece.length;
  }
  return cut;
}
