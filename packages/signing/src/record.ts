/** The record of a DKIM key in DNS (RFC 6376 §3.6.1, RFC 8463 §4): written, and told from another. Pure. */

export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

/** The record's name. */
export function dkimRecordName(selector: string, domain: string): string {
  return `${selector}._domainkey.${domain}`;
}

/** The text of the TXT record; DNS carries it in strings of at most 255 octets. */
export function dkimRecord(algorithm: DkimAlgorithm, publicKey: string): string {
  return `v=DKIM1; k=${algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519'}; p=${publicKey}`;
}

/**
 * Whether the TXT records found at the key's name make verifiers use this very key: one of them is a key
 * record (RFC 6376 §3.6.2.2 leaves two undefined), and its kind and p= are ours.
 */
export function publishes(records: readonly string[], algorithm: DkimAlgorithm, publicKey: string): boolean {
  const [only, ...others] = records;
  if (only === undefined || others.length > 0) return false;
  const tags = tagsOf(only);
  if (tags === undefined) return false;
  const version = tags.get('v');
  const kind = tags.get('k') ?? 'rsa';
  const wanted = algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519';
  const hashes = tags.get('h')?.split(':');
  const services = tags.get('s')?.split(':');
  return (
    (version === undefined || version === 'DKIM1') &&
    kind === wanted &&
    (hashes === undefined || hashes.includes('sha256')) &&
    (services === undefined || services.includes('*') || services.includes('email')) &&
    tags.get('p') === publicKey
  );
}

/** RFC 6376 §3.2, white space taken out of the values; undefined when a tag stands twice or has no name. */
function tagsOf(record: string): Map<string, string> | undefined {
  const tags = new Map<string, string>();
  const parts = record.slice(0, 4096).split(';');
  for (const [i, part] of parts.entries()) {
    const equals = part.indexOf('=');
    if (equals === -1 && part.trim() === '' && i === parts.length - 1) break;
    const name = part.slice(0, equals).trim();
    if (equals === -1 || name === '' || tags.has(name)) return undefined;
    tags.set(name, part.slice(equals + 1).replaceAll(/[ \t\r\n]/g, ''));
  }
  return tags;
}
