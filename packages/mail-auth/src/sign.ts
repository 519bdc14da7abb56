/** Signing mail of ours: DKIM-Signature fields (RFC 6376) over the canonical forms that the verifier uses too. */
export { type Signatures, signMessage } from './dkim/signer.ts';
export type { SigningKey } from './dkim/signing-key.ts';
