/**
 * Messages as octets in and values out: header fields, addresses, dates, trace fields, MIME structure
 * and what IMAP tells of it. Pure: no clock, no socket, no store.
 */
export type { Part, Range, Summary } from './contract.ts';
export {
  type Address,
  ADDRESSES,
  addressText,
  type Group,
  mailboxes,
  parseAddressList,
} from './address-list.ts';
export { formatDate, parseDate, parseDay } from './date.ts';
export {
  fieldValue,
  firstValue,
  headerEnd,
  type HeaderField,
  headerFields,
  isHeaderRead,
  prependFields,
  removeFields,
  withoutFields,
} from './header.ts';
export {
  addressLiteral,
  countReceived,
  receivedField,
  type ReceivedFacts,
  transmissionType,
} from './received.ts';
export {
  bodyOf,
  bodyStructureOf,
  decodeSummary,
  degradedSummary,
  encodeSummary,
  envelopeOf,
  summarise,
} from './summary.ts';
export { imapString, nstring } from './wire.ts';
export { decodeCharset } from './charset.ts';
export { type ComposedPart, composeMultipart, newBoundary, newMessageId, sevenBitText } from './compose.ts';
export { decodeWords } from './encoded-words.ts';
export { foldText, partText, searchField, searchHeader, searchText } from './search-text.ts';
export { partAt, sectionRange, type SectionText, selectFields } from './section.ts';
export { decodeContent, decodeQuotedPrintable } from './transfer-encoding.ts';
