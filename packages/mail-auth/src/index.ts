/** Who sent this? iprev, SPF, DKIM and DMARC as values, and their results as header fields (RFC 8601). */
export * from './contract.ts';
