import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Debian's packages that have had it, the newer one first; the program needs the C library alone. */
const PACKAGES = ['promtool', 'prometheus'];

/**
 * The promtool to check rules with: the one on PATH, or Debian's unpacked into a cache folder, without
 * installing anything. @returns its path, or why there is none.
 */
export function findPromtool(): { command: string } | { missing: string } {
  if (works('promtool')) return { command: 'promtool' };
  const cache = path.join(
    process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'),
    'waybill',
    'promtool',
  );
  const command = path.join(cache, 'usr/bin/promtool');
  if (works(command)) return { command };
  for (const name of PACKAGES) {
    const fresh = `${cache}.${process.pid}`;
    try {
      fs.mkdirSync(fresh, { recursive: true });
      execFileSync('apt-get', ['download', '-qq', name], { cwd: fresh, stdio: 'ignore', timeout: 120_000 });
      const [archive = ''] = fs.readdirSync(fresh).filter((file) => file.endsWith('.deb'));
      execFileSync('dpkg-deb', ['-x', archive, '.'], { cwd: fresh, timeout: 60_000 });
      if (!works(path.join(fresh, 'usr/bin/promtool'))) continue;
      fs.rmSync(cache, { recursive: true, force: true });
      fs.mkdirSync(path.dirname(command), { recursive: true });
      fs.renameSync(path.join(fresh, 'usr/bin/promtool'), command);
      return { command };
    } catch {
      // This package is not to be had here; the next one may be.
    } finally {
      fs.rmSync(fresh, { recursive: true, force: true });
    }
  }
  return { missing: `no promtool on PATH, and none in Debian's ${PACKAGES.join(' or ')} package` };
}

function works(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
