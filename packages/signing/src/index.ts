/**
 * What vouches for mail of ours, between auth, which makes it, and mta, which signs with it: the schema
 * `signing` and the records that its keys have in DNS.
 */
export { signingSchema } from './schema.ts';
export { type DkimAlgorithm, dkimRecord, dkimRecordName, publishes } from './record.ts';
