/** The header fields of a message as signatures cover them (RFC 6376 §3.7, §5.4.2). */
import type { HeaderField } from '@waybill/message';
import { canonicalField, type CanonicalForm } from './canonical-form.ts';

export class SignedFields {
  readonly #header: Buffer;
  readonly #places = new Map<string, HeaderField[]>();
  readonly #made = { simple: new Map<number, Buffer>(), relaxed: new Map<number, Buffer>() };

  constructor(header: Buffer, fields: readonly HeaderField[]) {
    this.#header = header;
    for (const field of fields) {
      const found = this.#places.get(field.name);
      if (found === undefined) this.#places.set(field.name, [field]);
      else found.push(field);
    }
  }

  count(name: string): number {
    return this.#places.get(name)?.length ?? 0;
  }

  /** What h= names, in its order: of each name the last field first; a name beyond them is nothing. */
  covered(names: readonly string[], form: CanonicalForm): Buffer[] {
    const used = new Map<string, number>();
    const out: Buffer[] = [];
    for (const name of names) {
      const found = this.#places.get(name);
      if (found === undefined) continue;
      const taken = used.get(name) ?? 0;
      if (taken >= found.length) continue;
      used.set(name, taken + 1);
      out.push(this.#canonical(found[found.length - 1 - taken] as HeaderField, form));
    }
    return out;
  }

  #canonical({ start, end }: HeaderField, form: CanonicalForm): Buffer {
    let octets = this.#made[form].get(start);
    if (octets === undefined) {
      octets = canonicalField(this.#header.subarray(start, end), form);
      this.#made[form].set(start, octets);
    }
    return octets;
  }
}
