import { X509Certificate } from 'node:crypto';
import type { CertificateAuthority } from '@waybill/certificates';
import type { SecretFolder } from './secret-folder.ts';

/** Where the two halves of a certificate lie in a reader's folder. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
}

export type PairFate = 'kept' | 'issued' | 'foreign';

/**
 * Sees to it that a folder holds a current certificate of the authority for these names.
 * One that another authority issued is left alone when `foreign` says so.
 * @param names the first is whom it speaks for
 */
export async function keepPair(
  folder: SecretFolder,
  files: PairFiles,
  authority: CertificateAuthority,
  names: readonly string[],
  options: {
    readonly addresses?: readonly string[];
    readonly renew?: boolean;
    readonly foreign?: 'replace' | 'leave';
  } = {},
): Promise<PairFate> {
  const certificate = folder.read(files.certificate);
  const key = folder.read(files.key);
  if (certificate !== undefined && key !== undefined) {
    const have = parsed(certificate);
    const ours = have?.verify(new X509Certificate(authority.certificate).publicKey) === true;
    if (!ours && options.foreign === 'leave') return 'foreign';
    if (have !== undefined && ours && options.renew !== true && isFresh(have) && speaksFor(have, names)) {
      // Written again only to see that owner and mode are right.
      folder.write(files.key, key);
      folder.write(files.certificate, certificate);
      return 'kept';
    }
  }
  const issued = await authority.issue(names, options.addresses ?? []);
  folder.write(files.key, issued.key);
  folder.write(files.certificate, issued.certificate);
  return 'issued';
}

/** At least a third of its life is left. */
export function isFresh(certificate: X509Certificate, now = Date.now()): boolean {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  return to - now >= (to - from) / 3;
}

/** The first name is the one it speaks for (its place matters), the others are there too. */
function speaksFor(certificate: X509Certificate, names: readonly string[]): boolean {
  const first = certificate.subjectAltName?.split(', ')[0];
  return first === `DNS:${names[0]}` && names.every((name) => certificate.checkHost(name) !== undefined);
}

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
