/** Who sent this? iprev, SPF, DKIM and DMARC as values, and their results as header fields (RFC 8601). */
export * from './contract.ts';
export { type CheckOptions, openSenderChecks } from './open-checks.ts';
export {
  authenticationResults,
  type Identities,
  type ResultFacts,
} from './results/authentication-results.ts';
export { isOwnAuthenticationResults } from './results/own-results.ts';
export { readSpfTree, type SpfStep, type SpfTree } from './spf/read-tree.ts';
