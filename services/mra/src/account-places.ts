/** How many sessions an account has from one address: a limit that no single client can lift. */

export class AccountPlaces {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  /** `most`: sessions of one account from one client address, in this process. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A function that gives the place back; undefined when all are taken. */
  take(accountId: string, address: string): (() => void) | undefined {
    const key = `${accountId} ${address}`;
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#most) return undefined;
    this.#taken.set(key, taken + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left === 0) this.#taken.delete(key);
      else this.#taken.set(key, left);
    };
  }
}
