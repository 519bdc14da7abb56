/** One FETCH response, RFC 3501 §7.4.2, written item by item into a ResponseBuilder. */
import type { Section } from '../command.ts';
import { internalDateText } from './date.ts';
import { flagsText } from './flags.ts';
import type { ResponseBuilder } from './response-builder.ts';
import { astring } from './string.ts';

/** `* 12 FETCH (` … `)`. Call the items in the order of the answer, then `end`. */
export class FetchLine {
  readonly #out: ResponseBuilder;
  #separator = '';

  constructor(out: ResponseBuilder, sequence: number) {
    this.#out = out;
    out.text(`* ${sequence} FETCH (`);
  }

  flags(system: number, keywords: readonly string[] = [], recent = false): this {
    return this.#item(`FLAGS ${flagsText(system, keywords, recent)}`);
  }

  uid(uid: number): this {
    return this.#item(`UID ${uid}`);
  }

  size(octets: number): this {
    return this.#item(`RFC822.SIZE ${octets}`);
  }

  modseq(modseq: number): this {
    return this.#item(`MODSEQ (${modseq})`);
  }

  /** `ms` since the epoch. */
  internalDate(ms: number): this {
    return this.#item(`INTERNALDATE ${internalDateText(ms)}`);
  }

  /** ENVELOPE, BODY or BODYSTRUCTURE from octets that are ready for the wire. */
  prepared(item: 'ENVELOPE' | 'BODY' | 'BODYSTRUCTURE', octets: Buffer): this {
    this.#item(`${item} `);
    this.#out.octets(octets);
    return this;
  }

  /**
   * BODY[…]: the octets in pieces that follow each other, null for NIL. `origin` is the first octet's offset
   * when a partial was asked for: it is told, the length is not (RFC 3501 §7.4.2).
   */
  section(section: Section, origin: number | null, pieces: readonly Buffer[] | null): this {
    const name = sectionText(section);
    return this.content(origin === null ? `BODY[${name}]` : `BODY[${name}]<${origin}>`, pieces);
  }

  /** RFC822, RFC822.HEADER, RFC822.TEXT, or any other item whose value is a string. */
  content(item: string, pieces: readonly Buffer[] | null): this {
    this.#item(`${item} `);
    if (pieces === null) this.#out.text('NIL');
    else if (pieces.length === 1 && pieces[0]!.length === 0) this.#out.text('""');
    else this.#out.literal(...pieces);
    return this;
  }

  end(): void {
    this.#out.text(')\r\n');
  }

  #item(text: string): this {
    this.#out.text(this.#separator + text);
    this.#separator = ' ';
    return this;
  }
}

/** What stands between the brackets, fields spelt as the client did. */
export function sectionText(section: Section): string {
  const path = section.path.join('.');
  if (section.text === null) return path;
  const name = path === '' ? section.text : `${path}.${section.text}`;
  const fields = section.fields.length === 0 ? '' : ` (${section.fields.map(astring).join(' ')})`;
  return name + fields;
}
