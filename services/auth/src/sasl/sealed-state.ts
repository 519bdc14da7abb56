import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SaslRequest } from '@waybill/auth-client';

/**
 * What an exchange must remember between two steps travels with the agent, sealed: any replica opens
 * it, nobody else can read or change it, and it is good for a minute, for the client, the protocol and
 * the mechanism that it was made for.
 */
export const STATE_LIFE_MS = 60_000;
const NONCE = 12;
const TAG = 16;

export class SealedStates {
  readonly #key: Buffer;

  /** @param key of 32 octets, the same on every replica */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(request: SaslRequest, state: object, now = Date.now()): string {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(boundTo(request));
    const text = JSON.stringify({ ...state, until: now + STATE_LIFE_MS });
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** @returns undefined for what is not ours, not of this exchange, or too old */
  open(request: SaslRequest, now = Date.now()): object | undefined {
    const octets = Buffer.from(request.state ?? '', 'base64url');
    if (octets.length < NONCE + TAG) return undefined;
    const cipher = createDecipheriv('aes-256-gcm', this.#key, octets.subarray(0, NONCE), {
      authTagLength: TAG,
    })
      .setAAD(boundTo(request))
      .setAuthTag(octets.subarray(-TAG));
    try {
      const text = cipher.update(octets.subarray(NONCE, -TAG), undefined, 'utf8') + cipher.final('utf8');
      const { until, ...state } = JSON.parse(text) as { until: number };
      return until > now ? state : undefined;
    } catch {
      return undefined;
    }
  }
}

function boundTo({ mechanism, client, protocol }: SaslRequest): Buffer {
  return Buffer.from(`${mechanism}\0${protocol}\0${client}`);
}
