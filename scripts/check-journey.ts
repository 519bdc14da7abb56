import fs from 'node:fs';
import path from 'node:path';

/**
 * What the documents name must be there: every path in docs/, in the README and in the READMEs of the
 * services and packages, and in `path#name` the name within that file. A reader who follows a
 * document through the code is never led to nothing.
 */
const DOCUMENTS = ['*.md', 'docs/**/*.md', 'services/*/README.md', 'packages/*/README.md', 'bench/*.md'];
const TOP_FOLDERS = ['services', 'packages', 'docs', 'scripts', 'test', 'bench'];
/** Files that a document of a service or package names from its own folder or from its src/. */
const NAMED_ENDS = ['.ts', '.sql', '.md', '/'];

/** Every fault as one line: which document names what, and what is missing. */
export function documentFaults(root: string): string[] {
  const exists = (name: string): boolean =>
    name.includes('*') ? fs.globSync(name, { cwd: root }).length > 0 : fs.existsSync(path.join(root, name));
  const read = (name: string): string => fs.readFileSync(path.join(root, name), 'utf8');
  return fs
    .globSync(DOCUMENTS, { cwd: root })
    .filter((document) => !document.includes('node_modules'))
    .toSorted()
    .flatMap((document) => faultsOfDocument(document, read(document), { exists, read }));
}

/** The files of the repository, by their paths from its root; a path with `*` exists when something matches. */
export interface Files {
  exists(name: string): boolean;
  read(name: string): string;
}

/** The faults of one document, by its path in the repository and its text. */
export function faultsOfDocument(document: string, text: string, files: Files): string[] {
  const faults: string[] = [];
  const folder = path.posix.dirname(document);
  const check = (written: string, places: readonly string[]): void => {
    const [name = '', word] = written.split('#');
    const found = places
      .map((place) => path.posix.join(place, name))
      .find((candidate) => files.exists(candidate));
    if (found === undefined) faults.push(`${document}: ${name} does not exist`);
    else if (word !== undefined && !found.endsWith('.md') && !hasWord(files.read(found), word))
      faults.push(`${document}: ${found} has no ${word}`);
  };
  for (const target of linksOf(text)) check(target, [folder]);
  for (const span of spansOf(text)) {
    if (TOP_FOLDERS.includes(span.split('/')[0] ?? '') && span.includes('/')) check(span, ['.']);
    else if (NAMED_ENDS.some((end) => (span.split('#')[0] ?? '').endsWith(end)))
      check(span, [folder, path.posix.join(folder, 'src'), '.']);
  }
  return [...new Set(faults)];
}

/** Targets of links to files; those to other sites and within the page are left out. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^()\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !target.includes(':') && !target.startsWith('#'));
}

/** Code spans that are paths, a placeholder like `<agent>` excepted. */
function spansOf(text: string): string[] {
  return [...text.matchAll(/`([^`\s]+)`/g)]
    .map((match) => match[1] ?? '')
    .filter((span) => /^[\w.*-]+(\/[\w.*-]*)*(#\w+)?$/.test(span));
}

function hasWord(text: string, word: string): boolean {
  return new RegExp(`(?<!\\w)${word}(?!\\w)`).test(text);
}
