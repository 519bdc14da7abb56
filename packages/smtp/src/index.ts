/**
 * SMTP and LMTP as words: addresses, replies and command parameters as values. Pure; the two doors that
 * speak are `@waybill/smtp/server` and `@waybill/smtp/client`.
 */
export {
  formatAddress,
  formatPath,
  type Mailbox,
  parseMailbox,
  type PathResult,
  readPath,
  sameMailbox,
} from './address.ts';
export { normaliseDomain, parseAddressLiteral } from './domain.ts';
export { type MailParameters, type Notify, notifyBits, notifyOf, type RcptParameters } from './envelope.ts';
export { nextIdOf } from './next-id.ts';
export { type MailCommand, type Offers, parseMail, parseRcpt, type RcptCommand } from './parameters.ts';
export { formatReply, isPermanent, isPositive, type Reply, reply } from './reply.ts';
export { decodeXtext, encodeXtext } from './xtext.ts';
