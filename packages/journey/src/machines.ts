import type pg from 'pg';

/**
 * A message that crosses machines leaves its journey in several databases. They are asked at the same time;
 * one that gives no answer is named, and costs nothing but what it knows.
 */
export interface Machine {
  /** What people call it. */
  readonly name: string;
  /** Logged in as operator. */
  readonly pool: pg.Pool;
}

/** No database answered. */
export class NothingReachable extends Error {
  constructor(causes: readonly string[]) {
    super(`no database could be asked: ${causes.join('; ')}`);
    this.name = 'NothingReachable';
  }
}

/** Asks all machines, and remembers who gave no answer: those are not asked again. */
export class Machines {
  readonly #all: readonly Machine[];
  readonly #away = new Map<Machine, string>();

  constructor(all: readonly Machine[]) {
    this.#all = all;
  }

  /** Whether steps should say whose they are. */
  get several(): boolean {
    return this.#all.length > 1;
  }

  get unreachable(): readonly { readonly machine: string; readonly cause: string }[] {
    return [...this.#away].map(([{ name }, cause]) => ({ machine: name, cause }));
  }

  /**
   * The answers of all that gave one, in the order of the machines.
   * @throws the error itself where only one was to be asked; NothingReachable when none of several answered
   */
  async ask<T>(
    question: (machine: Machine) => Promise<T>,
  ): Promise<readonly { readonly machine: Machine; readonly answer: T }[]> {
    const asked = this.#all.filter((machine) => !this.#away.has(machine));
    const answers = await Promise.all(
      asked.map(async (machine) => {
        try {
          return { machine, answer: await question(machine) };
        } catch (error) {
          if (!this.several) throw error;
          this.#away.set(machine, (error as NodeJS.ErrnoException).code ?? (error as Error).message);
          return undefined;
        }
      }),
    );
    const given = answers.filter((one) => one !== undefined);
    if (given.length === 0)
      throw new NothingReachable(this.unreachable.map(({ machine, cause }) => `${machine}: ${cause}`));
    return given;
  }
}
