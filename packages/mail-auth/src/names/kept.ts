/** Values made from texts, kept by their text: a parsed record, a key. The oldest goes when there are too many. */
export class Kept<T> {
  readonly #made = new Map<string, T>();
  readonly #make: (text: string) => T;
  readonly #most: number;

  /** @param most how many are kept; texts beyond 8 KiB are never */
  constructor(most: number, make: (text: string) => T) {
    this.#most = most;
    this.#make = make;
  }

  get(text: string): T {
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (text.length > 8192) return made;
    if (this.#made.size >= this.#most)
      for (const oldest of this.#made.keys()) {
        this.#made.delete(oldest);
        break;
      }
    this.#made.set(text, made);
    return made;
  }
}
