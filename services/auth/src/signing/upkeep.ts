import type { DkimKeys } from './dkim-keys.ts';
import type { ReturnPaths } from './return-paths.ts';

export interface SigningUpkeepOptions {
  readonly keys: Pick<DkimKeys, 'tidy'>;
  readonly returnPaths: Pick<ReturnPaths, 'tidy'>;
  readonly onKeys: (domain: string) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Between two rounds, ms, stretched at random so that replicas do not march in step. */
const ROUND = 300_000;

/** At start and every few minutes: domains without keys get some, secrets are renewed in their time. Disposing waits for the round in hand. */
export class SigningUpkeep implements AsyncDisposable {
  readonly #options: SigningUpkeepOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #round: Promise<void>;

  constructor(options: SigningUpkeepOptions) {
    this.#options = options;
    this.#round = this.#work();
  }

  async #work(): Promise<void> {
    const { keys, returnPaths, onKeys, onTrouble } = this.#options;
    try {
      await returnPaths.tidy();
      for (const domain of await keys.tidy()) onKeys(domain);
    } catch (error) {
      onTrouble(error);
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#round = this.#work();
      },
      ROUND * (1 + Math.random() / 5),
    );
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }
}
