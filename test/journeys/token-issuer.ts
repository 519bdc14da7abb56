/** Somebody who issues tokens: a key, its JWKS in a file, and JWTs signed with it (RFC 7515, RFC 7517, RFC 7519). */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@waybill/lab';

const ISSUER = 'https://login.red.test';
const AUDIENCE = 'waybill';

export class TokenIssuer implements Disposable {
  readonly #key: KeyObject;
  readonly #folder: string;
  /** What auth must be told to believe it. */
  readonly settings: Readonly<Record<string, string>>;

  private constructor(key: KeyObject, folder: string, jwks: string) {
    this.#key = key;
    this.#folder = folder;
    this.settings = {
      WAYBILL_OAUTH_ISSUER: ISSUER,
      WAYBILL_OAUTH_AUDIENCE: AUDIENCE,
      WAYBILL_OAUTH_JWKS_URL: pathToFileURL(jwks).href,
    };
  }

  static create(): TokenIssuer {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const folder = temporaryFolder();
    const jwks = path.join(folder, 'jwks.json');
    const key = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' };
    fs.writeFileSync(jwks, JSON.stringify({ keys: [key] }));
    return new TokenIssuer(privateKey, folder, jwks);
  }

  /** A token that says who `email` is, for a minute. */
  token(email: string): string {
    const now = Math.floor(Date.now() / 1000);
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: email,
      email,
      email_verified: true,
      iat: now,
      exp: now + 60,
    };
    const text = `${part({ alg: 'ES256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
