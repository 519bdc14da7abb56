import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import * as x509 from '@peculiar/x509';

/**
 * A private certificate authority: it issues the certificates by which agents know each other on
 * the inner doors (the agent's name is the first DNS name in the SAN), and server certificates
 * for the lab's public doors.
 */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

const ALGORITHM: EcKeyGenParams & EcdsaParams = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
interface EcKeyGenParams {
  name: string;
  namedCurve: string;
}
interface EcdsaParams {
  name: string;
  hash: string;
}

const DAY = 86_400_000;

export class CertificateAuthority {
  /** PEM of the authority's own certificate. */
  readonly certificate: string;
  readonly #key: webcrypto.CryptoKey;
  readonly #keyPem: string;

  private constructor(certificate: string, key: webcrypto.CryptoKey, keyPem: string) {
    this.certificate = certificate;
    this.#key = key;
    this.#keyPem = keyPem;
  }

  static async create(name: string): Promise<CertificateAuthority> {
    x509.cryptoProvider.set(webcrypto);
    const keys = await generate();
    const root = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 3650 * DAY),
      signingAlgorithm: ALGORITHM,
      keys: keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority(root.toString('pem'), keys.privateKey, await exportKey(keys.privateKey));
  }

  /** The authority kept in a folder (`ca.pem`, `ca.key`), made when it is not there. */
  static async open(folder: string, name: string): Promise<CertificateAuthority> {
    const certificateFile = path.join(folder, 'ca.pem');
    const keyFile = path.join(folder, 'ca.key');
    if (fs.existsSync(certificateFile) && fs.existsSync(keyFile)) {
      x509.cryptoProvider.set(webcrypto);
      const keyPem = fs.readFileSync(keyFile, 'utf8');
      const der = x509.PemConverter.decodeFirst(keyPem);
      const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
      return new CertificateAuthority(fs.readFileSync(certificateFile, 'utf8'), key, keyPem);
    }
    const authority = await CertificateAuthority.create(name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(keyFile, authority.#keyPem, { mode: 0o600 });
    fs.writeFileSync(certificateFile, authority.certificate);
    return authority;
  }

  /** A certificate for client and server use. The first of `names` is whom it speaks for. */
  async issue(names: readonly string[], addresses: readonly string[] = []): Promise<Issued> {
    const keys = await generate();
    const issuer = new x509.X509Certificate(this.certificate);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${names[0] ?? 'agent'}`,
      issuer: issuer.subject,
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 825 * DAY),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([
          ...names.map((value) => ({ type: 'dns' as const, value })),
          ...addresses.map((value) => ({ type: 'ip' as const, value })),
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ],
    });
    return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
  }

  /** Issues into `<folder>/<file>.pem` and `.key`; leaves a valid pair of this authority alone. */
  async issueInto(
    folder: string,
    file: string,
    names: readonly string[],
    addresses: readonly string[] = [],
  ): Promise<{ certificateFile: string; keyFile: string }> {
    const certificateFile = path.join(folder, `${file}.pem`);
    const keyFile = path.join(folder, `${file}.key`);
    if (!this.#isCurrent(certificateFile, keyFile, names)) {
      const issued = await this.issue(names, addresses);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(keyFile, issued.key, { mode: 0o600 });
      fs.writeFileSync(certificateFile, issued.certificate);
    }
    return { certificateFile, keyFile };
  }

  #isCurrent(certificateFile: string, keyFile: string, names: readonly string[]): boolean {
    if (!fs.existsSync(certificateFile) || !fs.existsSync(keyFile)) return false;
    const have = new X509Certificate(fs.readFileSync(certificateFile));
    return (
      have.verify(new X509Certificate(this.certificate).publicKey) &&
      Date.parse(have.validTo) > Date.now() + 7 * DAY &&
      names.every((name) => have.checkHost(name) !== undefined)
    );
  }
}

async function generate(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // RFC 5280 §4.1.2.2: positive, and no leading zero octet
  return Buffer.from(bytes).toString('hex');
}
