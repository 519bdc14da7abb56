import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import tls from 'node:tls';

/** Where the certificate comes from: files, so that it can be read again, or text. */
export type TlsMaterial =
  | { readonly certFile: string; readonly keyFile: string; readonly caFile?: string }
  | { readonly cert: string; readonly key: string; readonly ca?: string };

/** OID of extended key usage "client authentication", RFC 5280 §4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** The certificate that doors show, exchangeable while they are open: handshakes after reload() use the new one. */
export class TlsContexts {
  readonly #material: TlsMaterial;
  #context: tls.SecureContext;
  #authorities: readonly X509Certificate[];
  #expiresAt: Date;

  /** @throws Error naming the file that cannot be read, or what OpenSSL says of the pair. */
  constructor(material: TlsMaterial) {
    this.#material = material;
    [this.#context, this.#authorities, this.#expiresAt] = load(material);
  }

  get context(): tls.SecureContext {
    return this.#context;
  }

  /** When the certificate that is shown ceases to be valid. */
  get expiresAt(): Date {
    return this.#expiresAt;
  }

  /** Reads the files again. @throws as the constructor does; the old certificate then stays. */
  reload(): void {
    [this.#context, this.#authorities, this.#expiresAt] = load(this.#material);
  }

  /**
   * The agent's name in a client certificate: the first DNS name of the SAN, if a certificate of the CA
   * file issued it directly, it is in date, and it is for client use. Undefined otherwise. The handshake has
   * proved already that the peer holds the key.
   */
  agentOf(certificate: X509Certificate | undefined, now = Date.now()): string | undefined {
    if (certificate === undefined || certificate.ca) return undefined;
    if (certificate.validFromDate.getTime() > now || certificate.validToDate.getTime() < now)
      return undefined;
    const usage = certificate.keyUsage as readonly string[] | undefined;
    if (usage !== undefined && !usage.includes(CLIENT_AUTH)) return undefined;
    const issued = this.#authorities.some(
      (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    );
    return issued ? firstDnsName(certificate.subjectAltName) : undefined;
  }
}

function firstDnsName(subjectAltName: string | undefined): string | undefined {
  for (const entry of subjectAltName?.split(', ') ?? []) {
    if (!entry.startsWith('DNS:')) continue;
    const name = entry.slice(4).toLowerCase();
    return /^[a-z0-9._-]{1,253}$/.test(name) ? name : undefined;
  }
  return undefined;
}

function load(material: TlsMaterial): [tls.SecureContext, X509Certificate[], Date] {
  const files = 'certFile' in material;
  const cert = files ? read(material.certFile) : material.cert;
  const key = files ? read(material.keyFile) : material.key;
  const ca = files ? (material.caFile === undefined ? undefined : read(material.caFile)) : material.ca;
  const context = tls.createSecureContext({
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    // Resumed sessions that carry a client certificate need a context id.
    sessionIdContext: 'waybill',
  });
  return [context, ca === undefined ? [] : certificates(ca), new X509Certificate(cert).validToDate];
}

function certificates(pem: string): X509Certificate[] {
  return pem
    .split('-----BEGIN CERTIFICATE-----')
    .slice(1)
    .map((body) => new X509Certificate(`-----BEGIN CERTIFICATE-----${body}`));
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}
