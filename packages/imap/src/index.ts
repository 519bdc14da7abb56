/** IMAP as values: octets to commands, responses to octets. No socket, no clock, no store. */
export type * from './command.ts';
export {
  CommandReader,
  LIMITS_AFTER_LOGIN,
  LIMITS_BEFORE_LOGIN,
  type ReaderEvent,
  type ReaderLimits,
} from './command-reader.ts';
export { SYSTEM_FLAGS } from './grammar/flag.ts';
export { decodeModifiedUtf7, encodeModifiedUtf7 } from './grammar/modified-utf7.ts';
export { isKnownCharset, SEARCH_CHARSETS } from './grammar/search-key.ts';
export { matchMailbox } from './mailbox-pattern.ts';
export { placesOfNumbers, placesOfUids, resolveNumberSet, type NumberRange } from './number-set.ts';
export {
  capabilityLine,
  delimiterLine,
  enabledLine,
  existsLine,
  expungeLine,
  idLine,
  listLine,
  mailboxStatusLine,
  namespaceLine,
  recentLine,
} from './response/data-line.ts';
export { internalDateText } from './response/date.ts';
export { FetchLine, sectionText } from './response/fetch-line.ts';
export { flagsLine, flagsText, permanentFlagsCode } from './response/flags.ts';
export { compactNumbers, searchLine } from './response/number-list.ts';
export { ResponseBuilder } from './response/response-builder.ts';
export {
  appendUidCode,
  bad,
  bye,
  continuation,
  copyUidCode,
  no,
  ok,
  okCode,
  statusLine,
  type Status,
} from './response/status-line.ts';
export {
  astring,
  humanText,
  imapString,
  isQuotable,
  literalPrefix,
  mailboxAstring,
  nstring,
  quoted,
} from './response/string.ts';
