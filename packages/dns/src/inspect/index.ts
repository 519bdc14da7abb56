/** The DNS as it is now: the zone's own servers beside the resolvers, with aliases, TTLs and texts as they were cut. */
export { type AskOptions, askServer } from './ask.ts';
export type { Alias, Detail, DetailType, DetailTypes, Held, Srv } from './detail.ts';
export { differences, fingerprint, said } from './difference.ts';
export { Inquiry, type InquiryOptions, type Said, type Seen, type ZoneCut } from './inquiry.ts';
