import type { Claimed, SpoolWork } from '@waybill/spool';

/** Leases last 30 s in the database; what is in hand longer is renewed in time. */
const EVERY_MS = 10_000;

/** The leases that this process holds. */
export class Leases implements Disposable {
  readonly #spool: Pick<SpoolWork, 'renew' | 'keep'>;
  readonly #onTrouble: (error: unknown) => void;
  readonly #held = new Map<Claimed, number>();
  readonly #clock: NodeJS.Timeout;

  constructor(
    spool: Pick<SpoolWork, 'renew' | 'keep'>,
    onTrouble: (error: unknown) => void,
    everyMs = EVERY_MS,
  ) {
    this.#spool = spool;
    this.#onTrouble = onTrouble;
    this.#clock = setInterval(() => void this.#renew(everyMs / 2), everyMs);
  }

  /** Recipients in hand. */
  get size(): number {
    return this.#held.size;
  }

  hold(claims: readonly Claimed[]): void {
    const now = performance.now();
    for (const claim of claims) this.#held.set(claim, now);
  }

  drop(claims: readonly Claimed[]): void {
    for (const claim of claims) this.#held.delete(claim);
  }

  /** Whether all of them are ours for 10 s more: asked before the final dot to strangers. */
  async stillHeld(claims: readonly Claimed[]): Promise<boolean> {
    const answers = await this.#spool.renew(claims);
    return answers.every(Boolean);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#clock);
  }

  async #renew(youngMs: number): Promise<void> {
    const before = performance.now() - youngMs;
    const old = [...this.#held].filter(([, since]) => since < before).map(([claim]) => claim);
    if (old.length === 0) return;
    try {
      // One that is lost stays in hand: its outcome is then refused by the spool, or the fence stops it.
      await this.#spool.keep(old);
    } catch (error) {
      this.#onTrouble(error);
    }
  }
}
