import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * A Redis for the tests on a machine that has none: Debian's packages unpacked into a cache folder,
 * without installing anything and without root (root is only used to fetch missing package lists).
 * @returns the folder to put on PATH, or why there is none.
 */
export function redisFromDebian(): { folder: string } | { missing: string } {
  const cache = path.join(
    process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'),
    'waybill',
    'redis',
  );
  const command = path.join(cache, 'redis-server');
  if (fs.existsSync(command)) return { folder: cache };
  if (!exists('apt-get') || !exists('dpkg-deb'))
    return { missing: 'no redis-server or valkey-server on PATH, and this is no Debian to fetch one from' };
  const fresh = `${cache}.${process.pid}`;
  try {
    fs.mkdirSync(fresh, { recursive: true });
    if (dependencies().length === 0 && process.getuid?.() === 0)
      execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore', timeout: 120_000 });
    execFileSync('apt-get', ['download', '-qq', 'redis-server', 'redis-tools', ...dependencies()], {
      cwd: fresh,
      stdio: 'ignore',
      timeout: 120_000,
    });
    for (const file of fs.readdirSync(fresh))
      if (file.endsWith('.deb')) execFileSync('dpkg-deb', ['-x', file, 'root'], { cwd: fresh });
    const libraries = fs
      .readdirSync(path.join(fresh, 'root/usr/lib'))
      .map((name) => path.join(cache, 'root/usr/lib', name));
    fs.writeFileSync(
      path.join(fresh, 'redis-server'),
      `#!/bin/sh\nLD_LIBRARY_PATH=${libraries.join(':')} exec ${path.join(cache, 'root/usr/bin/redis-server')} "$@"\n`,
      { mode: 0o755 },
    );
    fs.rmSync(cache, { recursive: true, force: true });
    fs.renameSync(fresh, cache);
    return { folder: cache };
  } catch (error) {
    fs.rmSync(fresh, { recursive: true, force: true });
    return {
      missing: `no redis-server or valkey-server on PATH, and Debian's could not be fetched (${(error as Error).message.split('\n')[0]})`,
    };
  }
}

/** The libraries that redis-tools needs beyond the C library; empty when the package lists are not there. */
function dependencies(): string[] {
  try {
    const text = execFileSync(
      'apt-cache',
      [
        'depends',
        '--no-recommends',
        '--no-suggests',
        '--no-conflicts',
        '--no-breaks',
        '--no-replaces',
        '--no-enhances',
        'redis-tools',
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return [...text.matchAll(/Depends: (lib[\w.+-]+|lua-[\w.+-]+)/g)]
      .map((match) => match[1] ?? '')
      .filter((name) => name !== 'libc6');
  } catch {
    return [];
  }
}

function exists(name: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .some((folder) => fs.existsSync(path.join(folder, name)));
}
