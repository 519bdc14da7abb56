import type { KeyObject } from 'node:crypto';

/** A key that signs for a domain: DKIM-Signature of d=`domain`, s=`selector`. */
export interface SigningKey {
  /** A-labels, lower case. */
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  readonly privateKey: KeyObject;
}
