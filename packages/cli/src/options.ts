import { parseArgs } from 'node:util';
import { suggest, UsageError } from './usage.ts';

/** Words and options of a command line. */
export interface Parsed {
  readonly words: readonly string[];
  flag(name: string): boolean;
  value(name: string): string | undefined;
  /** Every value of an option that may be repeated, in order. */
  all(name: string): readonly string[];
  /** A whole number of at least 0. @throws UsageError */
  count(name: string): number | undefined;
}

/** @param known option names without dashes; true takes a value, `many` any number of them. @throws UsageError */
export function parse(args: readonly string[], known: Readonly<Record<string, boolean | 'many'>>): Parsed {
  for (const arg of args) {
    if (arg === '--') break;
    if (!arg.startsWith('--')) continue;
    const [name = ''] = arg.slice(2).split('=');
    if (Object.hasOwn(known, name)) continue;
    if (name === 'password')
      throw new UsageError(
        'a password is never an option, where everybody can read it: use --password-file FILE, --password-stdin, --generate, or the prompt',
      );
    throw new UsageError(`there is no option --${name}${suggest(name, Object.keys(known))}`);
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(known).map(([name, takes]) => [
        name,
        { type: takes === false ? 'boolean' : 'string', multiple: takes === 'many' },
      ]),
    ),
  });
  const value = (name: string): string | undefined => {
    const found = values[name];
    return typeof found === 'string' ? found : undefined;
  };
  return {
    words: positionals,
    flag: (name) => values[name] === true,
    value,
    all(name) {
      const found = values[name];
      return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
    },
    count(name) {
      const text = value(name);
      if (text === undefined) return undefined;
      if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${name} takes a number, not "${text}"`);
      return Number(text);
    },
  };
}
