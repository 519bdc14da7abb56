/** What a FETCH needs, worked out once for all its messages. Pure. */
import type { FetchItem } from '@waybill/imap';

export interface Plan {
  readonly items: readonly FetchItem[];
  /** ENVELOPE, BODY or BODYSTRUCTURE: the stored summary is needed. */
  readonly summary: boolean;
  /** Octets of the message are needed. */
  readonly message: boolean;
  /** Only pieces of them: the client will come back for the next. */
  readonly pieces: boolean;
  /** Text is read, not only headers: the journey is told. */
  readonly text: boolean;
  /** An item shows flags that may have changed just now. */
  readonly flags: boolean;
  /** Reading sets \Seen: some item is not a peek (RFC 3501 §6.4.5). */
  readonly marksSeen: boolean;
}

export function planFetch(items: readonly FetchItem[], uidForm: boolean): Plan {
  // RFC 3501 §6.4.8: the UID is in every answer to UID FETCH.
  const withUid: readonly FetchItem[] =
    uidForm && !items.some(({ item }) => item === 'UID') ? [{ item: 'UID' }, ...items] : items;
  // An item that is asked for again is told once: thousands of BODYs would cost a copy each.
  const all = withUid.filter(
    ({ item }, at) => item === 'SECTION' || withUid.findIndex((other) => other.item === item) === at,
  );
  let summary = false;
  let message = false;
  let pieces = false;
  let text = false;
  let flags = false;
  let marksSeen = false;
  for (const item of all) {
    switch (item.item) {
      case 'ENVELOPE':
      case 'BODY':
      case 'BODYSTRUCTURE':
        summary = true;
        break;
      case 'FLAGS':
      case 'MODSEQ':
        flags = true;
        break;
      case 'RFC822.HEADER':
        message = true;
        break;
      case 'RFC822':
      case 'RFC822.TEXT':
        message = true;
        text = true;
        marksSeen = true;
        break;
      case 'SECTION':
        message = true;
        if (item.section.text === null || item.section.text === 'TEXT') text = true;
        if (item.partial !== null) pieces = true;
        if (!item.peek) marksSeen = true;
        break;
      default:
    }
  }
  return { items: all, summary, message, pieces, text, flags, marksSeen };
}
