/** Body hashes of one message (RFC 6376 §3.7): each canonical form hashed once, long bodies with pauses. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type BodyDigest, bodyDigest, canonicalBody, type CanonicalForm } from './canonical-form.ts';

/** Octets that are hashed without letting others go on: a quarter of a millisecond's work, some ms where each line ends in white space. */
const AT_ONCE = 128 * 1024;

export class BodyHashes {
  readonly #body: readonly Buffer[];
  readonly #size: number;
  readonly #made = new Map<CanonicalForm, Promise<BodyDigest> | BodyDigest>();

  constructor(body: readonly Buffer[]) {
    this.#body = body;
    this.#size = body.reduce((sum, { length }) => sum + length, 0);
  }

  /** Of the whole body, whatever l= says. */
  digest(form: CanonicalForm): Promise<BodyDigest> | BodyDigest {
    let made = this.#made.get(form);
    if (made === undefined) {
      made = this.#size <= AT_ONCE ? bodyDigest(this.#body, form) : pausingDigest(this.#body, form);
      this.#made.set(form, made);
    }
    return made;
  }
}

async function pausingDigest(body: readonly Buffer[], form: CanonicalForm): Promise<BodyDigest> {
  const hash = createHash('sha256');
  let length = 0;
  const canonical = canonicalBody(form, (octets) => {
    hash.update(octets);
    length += octets.length;
  });
  let since = 0;
  for (const piece of body)
    for (let at = 0; at < piece.length; at += AT_ONCE) {
      const octets = piece.subarray(at, at + AT_ONCE);
      canonical.write(octets);
      since += octets.length;
      if (since < AT_ONCE) continue;
      since = 0;
      // the pause is the purpose
      await setImmediate();
    }
  canonical.end();
  return { digest: hash.digest(), length };
}
