/** Octets of large bodies that are in memory at a time: who comes when it is spent waits for its turn. */
export class BodyBudget {
  readonly #limit: number;
  #taken = 0;
  readonly #waiting: { readonly octets: number; readonly go: () => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when there is room; one that is larger than the whole budget goes alone. */
  async take(octets: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(octets)) {
      this.#taken += octets;
      return;
    }
    await new Promise<void>((go) => this.#waiting.push({ octets, go }));
  }

  give(octets: number): void {
    this.#taken -= octets;
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#fits(next.octets);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#taken += next.octets;
      next.go();
    }
  }

  #fits(octets: number): boolean {
    return this.#taken === 0 || this.#taken + octets <= this.#limit;
  }
}
