import type { ChangeSignal } from '@waybill/mailstore';

/** Wakes at once; `mute` loses every wake-up. */
export class MemorySignal implements ChangeSignal {
  readonly #ears = new Map<string, Set<() => void>>();
  mute = false;

  publish(accountIds: readonly string[]): void {
    if (this.mute) return;
    for (const id of accountIds) for (const wake of this.#ears.get(id) ?? []) wake();
  }

  subscribe(accountId: string, wake: () => void): () => void {
    const ears = this.#ears.get(accountId) ?? new Set();
    this.#ears.set(accountId, ears);
    ears.add(wake);
    return () => ears.delete(wake);
  }

  async close(): Promise<void> {}
}
