import { nearest } from '@waybill/daemon';

/** The command line could not be understood: printed with the usage, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, toDo: 4 } as const;

/** `; did you mean …?`, or nothing when no known word is near. */
export function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}
