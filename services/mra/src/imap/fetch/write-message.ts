/** One message's FETCH response from the plan: copies what is stored, parses nothing but what a section needs. */
import { type FetchItem, FetchLine } from '@waybill/imap';
import type { StoredMessage } from '@waybill/mailstore';
import { bodyOf, bodyStructureOf, envelopeOf } from '@waybill/message';
import type { Columns } from '../columns.ts';
import type { Session } from '../session.ts';
import type { Plan } from './plan.ts';
import { partial, Sections } from './sections.ts';

/** What was read from the store for it, as far as the plan needs it. */
export interface Material {
  readonly summary: Buffer | undefined;
  readonly message: StoredMessage | undefined;
}

const NONE: Material = { summary: undefined, message: undefined };

/** A response whose items are small. */
export function writeMessage(session: Session, plan: Plan, index: number, material: Material = NONE): void {
  const writer = new MessageWriter(session, index, material);
  for (const item of plan.items) writer.item(item);
  writer.end(false);
}

/** Writes a response item by item: octets can be asked for many times over, and wait for the client in between. */
export class MessageWriter {
  readonly #line: FetchLine;
  readonly #material: Material;
  readonly #sections: Sections | undefined;
  readonly #columns: Columns;
  readonly #at: number;
  readonly #recent: boolean;

  constructor(session: Session, index: number, material: Material) {
    const view = session.selected;
    const { columns, at } = view.current(index);
    this.#line = new FetchLine(session.output, index + 1);
    this.#material = material;
    this.#sections = material.message === undefined ? undefined : new Sections(material.message);
    this.#columns = columns;
    this.#at = at;
    this.#recent = view.isRecent(columns.uids[at]!);
  }

  item(item: FetchItem): void {
    const line = this.#line;
    const sections = this.#sections;
    const columns = this.#columns;
    const at = this.#at;
    switch (item.item) {
      case 'UID':
        line.uid(columns.uids[at]!);
        break;
      case 'FLAGS':
        this.#flags();
        break;
      case 'INTERNALDATE':
        line.internalDate(columns.internalDates[at]!);
        break;
      case 'RFC822.SIZE':
        line.size(columns.sizes[at]!);
        break;
      case 'MODSEQ':
        line.modseq(columns.modseqs[at]!);
        break;
      case 'ENVELOPE':
        line.prepared('ENVELOPE', envelopeOf(this.#summary));
        break;
      case 'BODY':
        line.prepared('BODY', bodyOf(this.#summary));
        break;
      case 'BODYSTRUCTURE':
        line.prepared('BODYSTRUCTURE', bodyStructureOf(this.#summary));
        break;
      case 'RFC822':
        line.content('RFC822', sections!.whole());
        break;
      case 'RFC822.HEADER':
        line.content('RFC822.HEADER', sections!.header());
        break;
      case 'RFC822.TEXT':
        line.content('RFC822.TEXT', sections!.text());
        break;
      case 'SECTION': {
        const pieces = sections!.pieces(item.section);
        const cut = pieces === null || item.partial === null ? pieces : partial(pieces, item.partial);
        line.section(item.section, item.partial === null ? null : item.partial[0], cut);
      }
    }
  }

  /** `tellFlags`: reading it has just set \Seen, so FLAGS are told also where nobody asked. */
  end(tellFlags: boolean): void {
    if (tellFlags) this.#flags();
    this.#line.end();
  }

  get #summary(): Buffer {
    return (this.#material.summary ?? this.#material.message?.summary)!;
  }

  #flags(): void {
    this.#line.flags(this.#columns.flags[this.#at]!, this.#columns.keywords[this.#at], this.#recent);
  }
}
