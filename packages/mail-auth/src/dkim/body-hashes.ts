/** Body hashes of one message (RFC 6376 §3.7): each canonical form and length hashed once, long bodies with pauses. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type BodyDigest, bodyDigest, canonicalBody, type CanonicalForm } from './canonical-form.ts';

/** Octets that are hashed without letting others go on: about a millisecond's work. */
const AT_ONCE = 1024 * 1024;

export class BodyHashes {
  readonly #body: readonly Buffer[];
  readonly #size: number;
  readonly #made = new Map<string, Promise<BodyDigest> | BodyDigest>();

  constructor(body: readonly Buffer[]) {
    this.#body = body;
    this.#size = body.reduce((sum, { length }) => sum + length, 0);
  }

  /** @param limit l= */
  digest(form: CanonicalForm, limit = Infinity): Promise<BodyDigest> | BodyDigest {
    const key = `${form} ${limit}`;
    let made = this.#made.get(key);
    if (made === undefined) {
      made =
        this.#size <= AT_ONCE
          ? bodyDigest(this.#body, form, 'sha256', limit)
          : pausingDigest(this.#body, form, limit);
      this.#made.set(key, made);
    }
    return made;
  }
}

async function pausingDigest(
  body: readonly Buffer[],
  form: CanonicalForm,
  limit: number,
): Promise<BodyDigest> {
  const hash = createHash('sha256');
  let length = 0;
  const canonical = canonicalBody(form, (octets) => {
    if (length + octets.length <= limit) hash.update(octets);
    else if (length < limit) hash.update(octets.subarray(0, limit - length));
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
