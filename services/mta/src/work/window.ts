/** How many conversations one destination is given, by what it did with those before. */
export class Window {
  readonly #max: number;
  readonly #holds: readonly number[];
  #size: number;
  #troubles = 0;
  /** Until then the destination is left alone, by the clock of performance.now(). */
  heldUntil = 0;

  /**
   * @param start and `max`: conversations
   * @param holds seconds that the destination is left alone after 1, 2, … troubles in a row
   */
  constructor(start: number, max: number, holds: readonly number[]) {
    this.#size = Math.min(start, max);
    this.#max = max;
    this.#holds = holds;
  }

  get size(): number {
    return Math.max(1, Math.floor(this.#size));
  }

  /** Nothing is remembered that a new window would not know. */
  get isFresh(): boolean {
    return this.#troubles === 0 && this.heldUntil <= performance.now();
  }

  /** A full window of successes widens it by one. */
  wentWell(): void {
    this.#troubles = 0;
    this.heldUntil = 0;
    this.#size = Math.min(this.#max, this.#size + 1 / this.#size);
  }

  /**
   * Halves the window. When nothing else is in hand, or it happened twice in a row, the destination
   * is left alone; one conversation tries it afterwards.
   * @returns for how long it is left alone, ms; 0 when it is not
   */
  hadTrouble(othersInHand: number): number {
    this.#size = Math.max(1, this.#size / 2);
    this.#troubles++;
    if (this.#troubles < 2 && othersInHand > 0) return 0;
    this.#size = 1;
    const now = performance.now();
    // Conversations that were under way together fail together: they count once.
    if (this.heldUntil > now) return 0;
    const step = this.#holds[Math.min(this.#troubles, this.#holds.length) - 1] ?? 60;
    this.heldUntil = now + step * 1000;
    return step * 1000;
  }
}
