/**
 * What a migration may do while agents of the version before still run: add, and nothing else. The rule
 * is read off the SQL itself, statement by statement; an exception names the version that stopped
 * using what goes: `-- contract: 0.2.0 stopped using this`, on a line of its own above the statement.
 */
export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** What breaks an agent that does not know of it. Matched against lower-case SQL without comments, texts and bodies of functions. */
const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  // A new answer of a function is a new function: prepared statements hold on to the old one.
  { what: 'drops something', pattern: /\bdrop\b(?! (?:default|not null)\b)/ },
  { what: 'renames something', pattern: /\brename\b/ },
  { what: 'changes the type of a column', pattern: /\balter (?:column )?[\w"]+ (?:set data )?type\b/ },
  { what: 'asks for a value that old writers do not give', pattern: /\bset not null\b/ },
  { what: 'takes a default away that old writers rely on', pattern: /\bdrop default\b/ },
  { what: 'takes a right away', pattern: /\brevoke\b(?!.* from public\b)/ },
  { what: 'empties a table', pattern: /\btruncate\b/ },
  { what: 'moves something to another schema', pattern: /\bset schema\b/ },
];

const CONTRACT = /^--\s*contract:\s*(\d+)\.(\d+)\.\d+ stopped using this\b/;

/** The faults of one migration, each as a sentence that says what to do. `current` is the version that it comes with. */
export function expandFaults(file: string, sql: string, current: Version): string[] {
  const faults: string[] = [];
  for (const { text, comments } of statements(sql)) {
    const bare = text.toLowerCase().replaceAll(/\s+/g, ' ').trim();
    const what = FORBIDDEN.filter(({ pattern }) => pattern.test(bare)).map((one) => one.what);
    if (addsRequiredColumn(bare))
      what.push('adds a column that old writers must fill (not null, no default)');
    if (narrows(bare)) what.push('adds a check that old writers may break');
    if (what.length === 0 || comments.some((line) => isDue(line, current))) continue;
    for (const each of what)
      faults.push(
        `${file}: ${each}: "${bare.slice(0, 80)}". Agents of the version before still run: expand now, and contract a minor version later, with the line "-- contract: <version> stopped using this" above`,
      );
  }
  return faults;
}

/** `0.2.0 stopped using this` allows it from the minor version after: 0.2 runs beside 0.1, which still does. */
function isDue(comment: string, current: Version): boolean {
  const found = CONTRACT.exec(comment);
  if (found === null) return false;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  return major < current.major || (major === current.major && minor < current.minor);
}

function addsRequiredColumn(bare: string): boolean {
  if (!bare.startsWith('alter table')) return false;
  return bare
    .split(/\badd (?:column )?/)
    .slice(1)
    .some((column) => /\bnot null\b/.test(column) && !/\bdefault\b|\bgenerated\b/.test(column));
}

/** A check or a unique index on a table that was there before; those of a new table hurt nobody. */
function narrows(bare: string): boolean {
  return /^alter table .*\badd (?:constraint [\w"]+ )?(?:check|unique|foreign key|primary key|exclude)\b/.test(
    bare,
  );
}

/** Statements with the comments above each; comments, quoted texts and dollar-quoted bodies are taken out of the text. */
export function statements(sql: string): { readonly text: string; readonly comments: readonly string[] }[] {
  const out: { text: string; comments: string[] }[] = [];
  let text = '';
  let comments: string[] = [];
  const end = (): void => {
    if (text.trim() !== '') {
      out.push({ text, comments });
      comments = [];
    }
    text = '';
  };
  for (let i = 0; i < sql.length;) {
    if (sql.startsWith('--', i)) {
      const stop = endOf(sql, '\n', i);
      comments.push(sql.slice(i, stop).trim());
      i = stop;
    } else if (sql.startsWith('/*', i)) i = endOf(sql, '*/', i + 2);
    else if (sql[i] === "'") {
      i = endOf(sql, "'", i + 1);
      text += "''";
    } else if (sql[i] === '$' && /^\$\w*\$/.test(sql.slice(i, i + 64))) {
      const tag = /^\$\w*\$/.exec(sql.slice(i, i + 64))?.[0] ?? '$$';
      i = endOf(sql, tag, i + tag.length);
      text += '$$';
    } else if (sql[i] === ';') {
      end();
      i++;
    } else text += sql[i++];
  }
  end();
  return out;
}

/** Just behind the next `mark`, or the end. */
function endOf(sql: string, mark: string, from: number): number {
  const at = sql.indexOf(mark, from);
  return at < 0 ? sql.length : at + mark.length;
}
