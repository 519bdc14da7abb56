/** A signing key of a domain as it is to stand in the DNS. */
export interface DkimKey {
  readonly selector: string;
  /** `rsa-sha256` or `ed25519-sha256`. */
  readonly algorithm: string;
  readonly state: string;
  /** The whole text of the TXT record, unquoted. */
  readonly record: string;
}

/** All keys of a domain that must be in the DNS; or why they cannot be told. */
export type Keys =
  | { readonly kind: 'known'; readonly keys: readonly DkimKey[] }
  /** The domain is not in the directory. */
  | { readonly kind: 'not-ours' }
  | { readonly kind: 'unknown'; readonly cause: string };
