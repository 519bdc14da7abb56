/**
 * A secret in every form in which it could slip out: as it is, URL-encoded, and in base64, alone or
 * as a part of something longer (which shifts its letters, three ways).
 */
export interface Secret {
  /** What it is, for whoever reads a finding: never the secret itself. */
  readonly name: string;
  readonly value: string;
}

export interface Needle {
  readonly secret: string;
  readonly form: string;
  readonly bytes: Buffer;
}

/** Shorter ones would be found everywhere. */
const SHORTEST = 8;

export function needlesOf(secrets: readonly Secret[]): Needle[] {
  const needles: Needle[] = [];
  for (const { name, value } of secrets) {
    const add = (form: string, text: string): void => {
      if (
        text.length >= SHORTEST &&
        !needles.some((one) => one.secret === name && one.bytes.equals(Buffer.from(text)))
      )
        needles.push({ secret: name, form, bytes: Buffer.from(text) });
    };
    add('raw', value);
    add('URL-encoded', encodeURIComponent(value));
    for (const shift of [0, 1, 2]) {
      const [plain, urlSafe] = shifted(value, shift);
      add(`base64 at ${shift}`, plain);
      add(`base64url at ${shift}`, urlSafe);
    }
  }
  return needles;
}

/** The letters of base64 that a text makes wherever it stands `shift` octets behind a multiple of three. */
function shifted(value: string, shift: number): [plain: string, urlSafe: string] {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)]);
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
  // A letter that also depends on what stands before is left out.
  const from = shift === 0 ? 0 : 4;
  return [whole.toString('base64').slice(from), whole.toString('base64url').slice(from)];
}

/** A secret where none should be. */
export interface Finding {
  readonly where: string;
  readonly secret: string;
  readonly form: string;
}

/** Every needle in a hay of octets, each once. */
export function search(where: string, hay: Buffer, needles: readonly Needle[]): Finding[] {
  return needles
    .filter(({ bytes }) => hay.includes(bytes))
    .map(({ secret, form }) => ({ where, secret, form }));
}
