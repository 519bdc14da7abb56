/**
 * Whether a statement carries the key by which its tables can be spread over machines: each table that it
 * names must be held, by an equation with the key, to a value of the statement or to a table that is.
 */
export interface Spread {
  readonly schema: string;
  /** Tables of the schema. */
  readonly tables: ReadonlySet<string>;
  /** Columns any of which is a key. */
  readonly keys: readonly string[];
}

/** Words that may follow a table's name and are no alias of it. */
const NO_ALIAS = new Set(
  'where set on using order group limit for left right full inner cross join natural returning values default select union except intersect having offset window as with when then and or loop into from'.split(
    ' ',
  ),
);

interface Reference {
  readonly table: string;
  readonly alias: string;
  readonly inserts: boolean;
}

/** The tables that the statement names without holding them to a key; empty when it carries all. */
export function unheld(statement: string, spread: Spread): string[] {
  const words = tokens(statement);
  const references = referencesIn(words, spread);
  const held = new Set<string>();
  const count = (alias: string): number =>
    references.filter((one) => one.alias === alias && !one.inserts).length;
  // Equations "a.key = b.key" hold one where the other is held; "a.key = <anything else>" holds it outright.
  const links: [string, string][] = [];
  const mentions = new Map<string, number>();
  for (const [alias, other] of equations(words, spread, references)) {
    mentions.set(alias, (mentions.get(alias) ?? 0) + 1);
    if (other === undefined) held.add(alias);
    else links.push([alias, other]);
  }
  for (let grown = true; grown;) {
    grown = false;
    for (const [one, other] of links) {
      if (held.has(one) === held.has(other)) continue;
      held.add(one).add(other);
      grown = true;
    }
  }
  const faults = references
    .filter(
      (one) => !one.inserts && (!held.has(one.alias) || (mentions.get(one.alias) ?? 0) < count(one.alias)),
    )
    .map((one) => `${spread.schema}.${one.table}`);
  for (const [i, word] of words.entries()) {
    if (word !== 'insert' || words[i + 1] !== 'into' || words[i + 2] !== spread.schema) continue;
    const columns = words.slice(i + 6, words.indexOf(')', i + 5));
    if (words[i + 5] !== '(' || !columns.some((column) => spread.keys.includes(column)))
      faults.push(`${spread.schema}.${words[i + 4] ?? ''}`);
  }
  return [...new Set(faults)];
}

/** What stands before a table that is read or written; elsewhere its name is the type of a variable. */
const BEFORE = new Set(['from', 'join', 'update', 'into', 'using', 'only', ',']);

/** Every table of the schema that is used, by what the rest of the statement calls it; '' is a table without an alias. */
function referencesIn(words: readonly string[], { schema, tables }: Spread): Reference[] {
  const out: Reference[] = [];
  for (let i = 0; i < words.length; i++) {
    const table = words[i + 2] ?? '';
    if (words[i] !== schema || words[i + 1] !== '.' || !tables.has(table)) continue;
    if (!BEFORE.has(words[i - 1] ?? '')) continue;
    const inserts = words[i - 1] === 'into' && words[i - 2] === 'insert';
    let next = words[i + 3] ?? '';
    if (next === 'as') next = words[i + 4] ?? '';
    const alias = /^[a-z_]\w*$/.test(next) && !NO_ALIAS.has(next) ? next : '';
    out.push({ table, alias, inserts });
  }
  return out;
}

/** `[alias, other]` for each equation of a key; `other` is the alias of another table of the schema, or undefined for a value. */
function* equations(
  words: readonly string[],
  { keys }: Spread,
  references: readonly Reference[],
): Generator<[string, string | undefined]> {
  const aliases = new Set(references.map((one) => one.alias));
  for (let i = 0; i < words.length; i++) {
    if (!keys.includes(words[i] ?? '')) continue;
    const dotted = words[i - 1] === '.';
    const alias = dotted ? (words[i - 2] ?? '') : '';
    if (dotted && !aliases.has(alias)) continue;
    if (words[i + 1] === '=') {
      const [other = '', dot, key = ''] = words.slice(i + 2, i + 5);
      const joins = dot === '.' && keys.includes(key) && aliases.has(other);
      yield [alias, joins ? other : undefined];
      if (joins) yield [other, alias];
    } else if (words[i + 1] === 'in' && words[i + 2] === '(' && words[i + 3] !== 'select')
      yield [alias, undefined];
    // "join b using (key)": b is held to what stands before it, which is judged by itself.
    else if (words[i - 1] === '(' && words[i - 2] === 'using' && words[i + 1] === ')') {
      const joined = words[i - 3] ?? '';
      yield [aliases.has(joined) ? joined : '', undefined];
    }
  }
  // Rows named by ctid are those that the subselect in the brackets found: held where that is.
  for (let i = 0; i < words.length; i++) {
    const inner = words.slice(i, i + 8).join(' ');
    const alias = words[i - 2] ?? '';
    if (
      words[i] === 'ctid' &&
      words[i - 1] === '.' &&
      inner.startsWith('ctid = any ( array ( select ctid') &&
      aliases.has(alias)
    )
      yield [alias, ''];
  }
}

/** Lower-case words and marks; comments gone, quoted texts as ''. */
function tokens(statement: string): string[] {
  const out: string[] = [];
  const pattern = /--[^\n]*|'(?:[^']|'')*'|"[^"]*"|\$?\w+|[^\s\w]/g;
  for (const [token] of statement.matchAll(pattern)) {
    if (token.startsWith('--')) continue;
    out.push(token.startsWith("'") ? "''" : token.toLowerCase());
  }
  return out;
}
