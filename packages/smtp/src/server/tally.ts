import type { Limits } from './options.ts';

/** Counts what a client does wrong and says how patient to be. */
export class Tally {
  readonly #limits: Limits;
  #mistakes = 0;
  #refusals = 0;
  #junk = 0;
  #authFailures = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  mistake(): 'at-once' | 'late' | 'enough' {
    return patience(++this.#mistakes, this.#limits.errorsAtOnce, this.#limits.errors);
  }

  refusal(): 'at-once' | 'late' | 'enough' {
    return patience(++this.#refusals, this.#limits.refusalsAtOnce, this.#limits.refusals);
  }

  /** True when it was too much. */
  junk(): boolean {
    return ++this.#junk >= this.#limits.junk;
  }

  /** True when it was one too many. */
  authFailed(): boolean {
    return ++this.#authFailures >= this.#limits.authFailures;
  }

  /** A message was taken: commands and refusals before it are forgiven, mistakes are not. */
  accepted(): void {
    this.#junk = 0;
    this.#refusals = 0;
  }
}

function patience(count: number, atOnce: number, most: number): 'at-once' | 'late' | 'enough' {
  if (count >= most) return 'enough';
  return count <= atOnce ? 'at-once' : 'late';
}
