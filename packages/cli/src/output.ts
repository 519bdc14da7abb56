import type { Parsed } from './options.ts';

/** Data on stdout: a table for people, JSON for programs. */

/** One object: as JSON, or as the sentence. */
export function printOne(parsed: Parsed, value: object, sentence: string): void {
  process.stdout.write(parsed.flag('json') ? `${JSON.stringify(value)}\n` : `${sentence}\n`);
}

/** A list: as a JSON array, or as a table of columns. */
export function printList<T extends object>(
  parsed: Parsed,
  list: readonly T[],
  columns: Readonly<Record<string, (item: T) => string>>,
  whenEmpty: string,
): void {
  if (parsed.flag('json')) {
    process.stdout.write(`${JSON.stringify(list)}\n`);
    return;
  }
  if (list.length === 0) {
    process.stderr.write(`${whenEmpty}\n`);
    return;
  }
  const rows = [
    Object.keys(columns),
    ...list.map((item) => Object.values(columns).map((cell) => cell(item))),
  ];
  const widths = Object.keys(columns).map((_, i) =>
    rows.reduce((most, row) => Math.max(most, row[i]!.length), 0),
  );
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}\n`,
    );
}
