/** Names with an end: what DNS has not said in time is "ask again later", and what it cannot be asked for does not exist. */
import type { Answer, RecordType, RecordTypes } from '@waybill/dns';
import type { Names } from '../contract.ts';
import { isAskable } from './domain-name.ts';

const NO_SUCH_NAME = { kind: 'nxdomain' } as const;

export class LimitedNames implements Names {
  readonly #names: Names;
  readonly #ms: number;
  #over: Promise<{ readonly kind: 'try-later'; readonly cause: string }> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param ms for all look-ups together, from the first on */
  constructor(names: Names, ms: number) {
    this.#names = names;
    this.#ms = ms;
  }

  lookup<T extends RecordType>(name: string, type: T): Promise<Answer<RecordTypes[T]>> {
    if (!isAskable(name)) return Promise.resolve(NO_SUCH_NAME);
    this.#over ??= new Promise((resolve) => {
      this.#timer = setTimeout(resolve, this.#ms, { kind: 'try-later', cause: 'no answer in time' });
    });
    return Promise.race([this.#names.lookup(name, type).catch(troubled), this.#over]);
  }

  /** After the last look-up. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** No look-up rejects; should one, mail waits. */
function troubled(error: unknown): { readonly kind: 'try-later'; readonly cause: string } {
  return { kind: 'try-later', cause: (error as Error).message };
}

/** Runs one check within its time. */
export async function withinTime<T>(
  names: Names,
  ms: number,
  check: (names: Names) => Promise<T>,
): Promise<T> {
  const limited = new LimitedNames(names, ms);
  try {
    return await check(limited);
  } finally {
    limited.end();
  }
}
