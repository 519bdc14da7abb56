import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@waybill/lab';

/**
 * The version before this one, as it was committed last, laid out to run: its own packages linked to
 * each other, what came from the registry linked to the copies that are installed here. It is found by
 * the history of package.json, so it stays the version before when there is a next one.
 */
export interface PreviousVersion extends Disposable {
  readonly version: string;
  /** Folder with its `packages/` and `services/`. */
  readonly root: string;
}

/** Where a version ended, when work on the next began before its number changed. */
const ENDED: ReadonlyMap<string, string> = new Map([['0.2', '6eed28a011f8161a48363cfaf90d796e40d77bb8']]);

const HERE = path.join(import.meta.dirname, '../..');

/** Lays the version before out in a temporary folder; or says, in words for a person, what is missing. */
export function previousVersion(): PreviousVersion | { readonly missing: string } {
  const found = lastCommitBefore(minorOf(manifest(HERE).version ?? ''));
  if ('missing' in found) return found;
  const root = temporaryFolder();
  const archive = path.join(root, '.archive.tar');
  execFileSync('git', ['archive', '-o', archive, found.commit, 'packages', 'services', 'package.json'], {
    cwd: HERE,
  });
  execFileSync('tar', ['-xf', archive, '-C', root]);
  fs.rmSync(archive);
  const missing = linkDependencies(root);
  if (missing.length > 0) {
    fs.rmSync(root, { recursive: true, force: true });
    return { missing: `version ${found.version} needs what is not installed here: ${missing.join(', ')}` };
  }
  return {
    version: found.version,
    root,
    [Symbol.dispose]: () => fs.rmSync(root, { recursive: true, force: true }),
  };
}

/** What a run says that could not try it. */
export function skewNotFound(missing: string): string {
  return `the version before: ${missing}; version skew was not tried`;
}

/** The last commit whose package.json names another minor version than this one: the parent of the commit that left it. */
function lastCommitBefore(
  minor: string,
): { readonly commit: string; readonly version: string } | { readonly missing: string } {
  try {
    let next = 'HEAD';
    for (const commit of git('log', '--first-parent', '--format=%H', '--', 'package.json').split('\n')) {
      if (commit === '') break;
      const { version = '' } = JSON.parse(git('show', `${commit}:package.json`)) as { version?: string };
      if (minorOf(version) !== minor)
        return { commit: git('rev-parse', ENDED.get(minorOf(version)) ?? `${next}^`), version };
      next = commit;
    }
    return { missing: 'this history holds none (a shallow clone: git fetch --unshallow)' };
  } catch {
    return { missing: 'there is no git history here' };
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: HERE,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

function packageFolders(root: string): string[] {
  return fs
    .globSync(['packages/*/package.json', 'services/*/package.json'], { cwd: root })
    .map((file) => path.join(root, path.dirname(file)));
}

/** Gives every package its node_modules; names what is not installed here in the very version. */
function linkDependencies(root: string): string[] {
  const installed = installedCopies();
  const own = new Map(packageFolders(root).map((folder) => [manifest(folder).name, folder]));
  const missing = new Set<string>();
  for (const folder of own.values()) {
    const { dependencies = {}, devDependencies = {} } = manifest(folder);
    for (const [name, version] of Object.entries({ ...devDependencies, ...dependencies })) {
      const target = own.get(name) ?? installed.get(`${name}@${version}`);
      if (target === undefined) {
        // What only its tests need may be missing.
        if (name in dependencies) missing.add(`${name}@${version}`);
      } else {
        const link = path.join(folder, 'node_modules', name);
        fs.mkdirSync(path.dirname(link), { recursive: true });
        fs.symlinkSync(target, link);
      }
    }
  }
  return [...missing].toSorted();
}

/** `name@version` to the real folder of every direct dependency of this checkout. */
function installedCopies(): Map<string, string> {
  const copies = new Map<string, string>();
  for (const folder of [HERE, ...packageFolders(HERE)]) {
    for (const name of Object.keys({
      ...manifest(folder).dependencies,
      ...manifest(folder).devDependencies,
    })) {
      const link = path.join(folder, 'node_modules', name);
      if (!fs.existsSync(link)) continue;
      const real = fs.realpathSync(link);
      copies.set(`${name}@${manifest(real).version}`, real);
    }
  }
  return copies;
}
