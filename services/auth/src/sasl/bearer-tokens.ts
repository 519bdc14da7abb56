import fs from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';

/**
 * Tokens that an issuer signed (JWT, RFC 7519): signature by its published keys, issuer, audience and
 * times, and the claim that says whose address it is. An issuer whose keys cannot be had is trouble,
 * and never a refusal.
 */
export interface BearerOptions {
  readonly issuer: string;
  readonly audience: string;
  /** https://…, or file:///… for keys that are brought along. */
  readonly jwksUrl: string;
  /** The claim that holds the address. */
  readonly claim: string;
  readonly onTrouble: (error: unknown) => void;
}

export type TokenVerdict =
  | { readonly status: 'ok'; readonly address: string }
  | { readonly status: 'denied' }
  | { readonly status: 'try-later' };

/** Signatures with keys of two halves only: RFC 8725 §3.1. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** What clocks may differ by, in seconds. */
const TOLERANCE = 30;
/** A file is read again after this. */
const FILE_MS = 10_000;
/** Longest address. */
const MAX_ADDRESS = 320;

export class BearerTokens {
  readonly #options: BearerOptions;
  readonly #keys: JWTVerifyGetKey;

  /** @throws Error for a URL that is neither https:, http: nor file: */
  constructor(options: BearerOptions) {
    this.#options = options;
    const url = new URL(options.jwksUrl);
    if (!['https:', 'http:', 'file:'].includes(url.protocol))
      throw new Error(`the keys of an issuer are at https://… or file:///…, not ${url.protocol}`);
    this.#keys = url.protocol === 'file:' ? keysInFile(fileURLToPath(url)) : createRemoteJWKSet(url, REMOTE);
  }

  /** Never rejects. */
  async verify(token: string): Promise<TokenVerdict> {
    const { issuer, audience, claim, onTrouble } = this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: TOLERANCE,
        requiredClaims: ['exp'],
      });
      const address = payload[claim];
      if (typeof address !== 'string' || address.length > MAX_ADDRESS) return { status: 'denied' };
      // OpenID Connect Core §5.1: an address that its owner only claims to have.
      const verified = payload['email_verified'];
      if (claim === 'email' && ![undefined, true, 'true'].includes(verified as undefined))
        return { status: 'denied' };
      return { status: 'ok', address };
    } catch (error) {
      if (isRefusal(error)) return { status: 'denied' };
      onTrouble(error);
      return { status: 'try-later' };
    }
  }
}

/** A set is kept ten minutes, and asked for again for an unknown key at most every 30 s. */
const REMOTE = { timeoutDuration: 3000, cooldownDuration: 30_000, cacheMaxAge: 600_000 };

/** What is wrong with the token itself; everything else is the issuer's trouble or ours. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

function keysInFile(file: string): JWTVerifyGetKey {
  let known: { readonly keys: JWTVerifyGetKey; readonly until: number } | undefined;
  return async (header, token) => {
    if (known === undefined || known.until <= performance.now()) {
      const set = JSON.parse(await fs.readFile(file, 'utf8')) as JSONWebKeySet;
      known = { keys: createLocalJWKSet(set), until: performance.now() + FILE_MS };
    }
    return known.keys(header, token);
  };
}

export interface OauthSettings {
  readonly WAYBILL_OAUTH_ISSUER?: string;
  readonly WAYBILL_OAUTH_AUDIENCE?: string;
  readonly WAYBILL_OAUTH_JWKS_URL?: string;
  readonly WAYBILL_OAUTH_CLAIM: string;
}

/** Undefined where no issuer is set. @throws Error that names what is missing or cannot be read */
export function openTokens(
  settings: OauthSettings,
  onTrouble: (error: unknown) => void,
): BearerTokens | undefined {
  const {
    WAYBILL_OAUTH_ISSUER: issuer,
    WAYBILL_OAUTH_AUDIENCE: audience,
    WAYBILL_OAUTH_JWKS_URL: jwksUrl,
  } = settings;
  if (issuer === undefined && audience === undefined && jwksUrl === undefined) return undefined;
  if (issuer === undefined || audience === undefined || jwksUrl === undefined)
    throw new Error(
      'WAYBILL_OAUTH_ISSUER, WAYBILL_OAUTH_AUDIENCE and WAYBILL_OAUTH_JWKS_URL are set together or not at all',
    );
  if (URL.parse(jwksUrl) === null)
    throw new Error(`WAYBILL_OAUTH_JWKS_URL: ${JSON.stringify(jwksUrl)} is no URL`);
  return new BearerTokens({ issuer, audience, jwksUrl, claim: settings.WAYBILL_OAUTH_CLAIM, onTrouble });
}
