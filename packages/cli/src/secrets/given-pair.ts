import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';

/** A certificate for the public doors that somebody brings along: the chain, and its key. */
export interface GivenPair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Reads a pair from two PEM files.
 * @returns undefined when neither file exists
 * @throws Error that says which file is missing, unreadable, or does not belong to the other
 */
export function readGivenPair(certificateFile: string, keyFile: string): GivenPair | undefined {
  const certificate = readFile(certificateFile);
  const key = readFile(keyFile);
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined)
    throw new Error(`${keyFile} is there, but its certificate ${certificateFile} is not`);
  if (key === undefined) throw new Error(`${certificateFile} is there, but its key ${keyFile} is not`);
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(certificate);
  } catch (cause) {
    throw new Error(`${certificateFile} holds no certificate in PEM form`, { cause });
  }
  let matches: boolean;
  try {
    matches = leaf.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new Error(`${keyFile} holds no private key in PEM form without a passphrase`, { cause });
  }
  if (!matches)
    throw new Error(`the key in ${keyFile} does not belong to the first certificate in ${certificateFile}`);
  if (Date.parse(leaf.validTo) < Date.now())
    throw new Error(`the certificate in ${certificateFile} ended ${leaf.validTo}`);
  return { certificate, key };
}

/** Whether the certificate that lies there is the given one. */
export function samePair(present: string | undefined, given: GivenPair): boolean {
  return present !== undefined && present.trimEnd() === given.certificate.trimEnd();
}

function readFile(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Error(`cannot read ${file} (${code ?? 'error'})`, { cause: error });
  }
}
