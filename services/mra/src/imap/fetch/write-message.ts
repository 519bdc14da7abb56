/** One message's FETCH response from the plan: copies what is stored, parses nothing but what a section needs. */
import { FetchLine } from '@waybill/imap';
import type { StoredMessage } from '@waybill/mailstore';
import { bodyOf, bodyStructureOf, envelopeOf } from '@waybill/message';
import type { Session } from '../session.ts';
import type { Plan } from './plan.ts';
import { partial, Sections } from './sections.ts';

/** What was read from the store for it, as far as the plan needs it. */
export interface Material {
  readonly summary: Buffer | undefined;
  readonly message: StoredMessage | undefined;
}

const NONE: Material = { summary: undefined, message: undefined };

/** `tellFlags`: reading it has just set \Seen, so FLAGS are told also where nobody asked. */
export function writeMessage(
  session: Session,
  plan: Plan,
  index: number,
  tellFlags: boolean,
  material: Material = NONE,
): void {
  const view = session.selected;
  const { columns, at } = view.current(index);
  const line = new FetchLine(session.output, index + 1);
  const sections = material.message === undefined ? undefined : new Sections(material.message);
  const summary = material.summary ?? material.message?.summary;
  for (const item of plan.items) {
    switch (item.item) {
      case 'UID':
        line.uid(columns.uids[at]!);
        break;
      case 'FLAGS':
        line.flags(columns.flags[at]!, columns.keywords[at], view.isRecent(columns.uids[at]!));
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
        line.prepared('ENVELOPE', envelopeOf(summary!));
        break;
      case 'BODY':
        line.prepared('BODY', bodyOf(summary!));
        break;
      case 'BODYSTRUCTURE':
        line.prepared('BODYSTRUCTURE', bodyStructureOf(summary!));
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
  if (tellFlags && !plan.flags)
    line.flags(columns.flags[at]!, columns.keywords[at], view.isRecent(columns.uids[at]!));
  line.end();
}
