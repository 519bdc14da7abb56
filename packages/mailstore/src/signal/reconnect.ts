/** When to try a lost connection again: 100 ms, doubling up to 5 s, each ±25 %, so that agents don't come back all at once. */
export class Reconnect {
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  succeeded(): void {
    this.#failures = 0;
  }

  /** Calls back later, unless stopped; one call is pending at a time. */
  schedule(attempt: () => void): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        attempt();
      },
      reconnectDelay(this.#failures++),
    );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

export function reconnectDelay(failures: number): number {
  return Math.min(5000, 100 * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() / 2);
}
