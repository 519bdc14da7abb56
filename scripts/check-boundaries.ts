import fs from 'node:fs';
import path from 'node:path';

/**
 * The rings of the house, run and not remembered: words ← senses ← memory ← body ← services.
 * An import may go to the same ring or an inner one; services never import each other; folder and
 * file names say what is inside; no file outgrows what one person reads at once.
 */
const RINGS: Readonly<Record<string, number>> = {
  // words: pure
  message: 0,
  imap: 0,
  // senses (the "." door of smtp is pure; its server and client doors are here)
  smtp: 1,
  certificates: 1,
  listener: 1,
  dns: 1,
  'mail-auth': 1,
  'auth-client': 1,
  // memory
  postgres: 2,
  blobstore: 2,
  spool: 2,
  signing: 2,
  mailstore: 2,
  journey: 2,
  // body
  daemon: 3,
  custody: 3,
  // services
  auth: 4,
  mda: 4,
  mra: 4,
  msa: 4,
  mta: 4,
  mx: 4,
  // tools: the lab runs agents, the command line knows everything
  lab: 5,
  cli: 6,
};

/** The one door of a service that a tool may use: its schema, for the migrator. */
const SERVICE_DOORS = new Set(['@waybill/auth/schema']);
const NAMELESS = /^(common|utils?|shared|helpers?|types|misc)(\.ts)?$/;
const MOST_LINES = 400;

/** Every fault as one line: where, and what to do. */
export function boundaryFaults(root: string): string[] {
  const files = fs
    .globSync(
      [
        'packages/*/{src,test}/**/*.ts',
        'services/*/{src,test}/**/*.ts',
        'scripts/**/*.ts',
        'test/**/*.ts',
        'bench/**/*.ts',
      ],
      { cwd: root },
    )
    .filter((file) => !file.includes('node_modules'));
  return files.flatMap((file) => faultsOf(file, fs.readFileSync(path.join(root, file), 'utf8')));
}

/** The faults of one file, by its path in the repository and its text. */
export function faultsOf(file: string, text: string): string[] {
  const faults: string[] = [];
  const parts = file.split('/');
  for (const part of parts)
    if (NAMELESS.test(part)) faults.push(`${file}: "${part}" names no job; name the concept that it holds`);
  const lines = text.split('\n').length;
  if (lines > MOST_LINES)
    faults.push(`${file}: ${lines} lines; split it where it holds two ideas (at most ${MOST_LINES})`);
  const [kind, owner = ''] = parts;
  if (kind !== 'packages' && kind !== 'services') return faults;
  const isTest = parts.includes('test') || file.endsWith('.test.ts');
  const mine = RINGS[owner];
  if (mine === undefined)
    return [...faults, `${file}: ${owner} stands in no ring; add it to scripts/check-boundaries.ts`];
  for (const target of importsOf(text)) {
    if (target.startsWith('.')) {
      const reached = path.posix.normalize(path.posix.join(path.posix.dirname(file), target)).split('/');
      if (reached[1] !== owner)
        faults.push(
          `${file}: imports ${target}, which leaves ${kind}/${owner}; go through the package's door`,
        );
      continue;
    }
    if (!target.startsWith('@waybill/')) continue;
    const to = target.split('/')[1] ?? '';
    const theirs = RINGS[to];
    if (theirs === undefined) faults.push(`${file}: imports ${target}, which stands in no ring`);
    else if (theirs > mine && !(isTest && to === 'lab'))
      faults.push(`${file}: imports ${target} from an outer ring`);
    else if (theirs === 4 && to !== owner && !SERVICE_DOORS.has(target))
      faults.push(
        `${file}: imports the service ${to}; services meet at the spool, over LMTP, in the store, or through auth-client`,
      );
  }
  return faults;
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^'\n]+)'/g)].map((match) => match[1] ?? '');
}
