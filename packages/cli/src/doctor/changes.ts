import type { Result } from './check-table.ts';

/** What became different between two looks: what is printed by `--watch`. */
export interface Change {
  readonly before: Result | undefined;
  readonly now: Result;
}

/** Results whose verdict, reason or notes changed. Evidence alone is no news: greetings carry the time of day. */
export function changes(before: readonly Result[], now: readonly Result[]): Change[] {
  const earlier = new Map(before.map((result) => [result.id, result]));
  return now.flatMap((result) => {
    const old = earlier.get(result.id);
    return old !== undefined && essence(old) === essence(result) ? [] : [{ before: old, now: result }];
  });
}

function essence({ verdict, means, fix, notes }: Result): string {
  // Seconds that a cache still keeps something run down with every look.
  const told = notes.map((note) => note.replace(/up to \d+ (s|min|h)/, 'for a while'));
  return JSON.stringify([verdict, means, fix?.text, told]);
}
