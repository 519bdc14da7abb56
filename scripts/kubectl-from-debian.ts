import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * A kubectl that renders kustomize components (1.21 and later): the one on PATH, else the one of Debian 13,
 * unpacked into a cache folder, without installing anything and without root.
 * @returns the folder to put on PATH (none where PATH has it), or why there is none.
 */
export function findKubectl(): { folder?: string } | { missing: string } {
  if (isNewEnough('kubectl')) return {};
  const cache = path.join(
    process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'),
    'waybill',
    'kubectl',
  );
  const command = path.join(cache, 'kubectl');
  if (isNewEnough(command)) return { folder: cache };
  const fresh = `${cache}.${process.pid}`;
  try {
    fetchFromDebian(fresh);
    if (!isNewEnough(path.join(fresh, 'kubectl'))) throw new Error('its kubectl does not run');
    fs.rmSync(cache, { recursive: true, force: true });
    fs.renameSync(fresh, cache);
    return { folder: cache };
  } catch (error) {
    fs.rmSync(fresh, { recursive: true, force: true });
    return {
      missing: `no kubectl ≥ 1.21 on PATH, and Debian's could not be fetched (${(error as Error).message.split('\n')[0]})`,
    };
  }
}

/** Asks the mirror that this machine uses for the suite trixie, with package lists of its own. @throws what apt says */
function fetchFromDebian(folder: string): void {
  for (const name of ['lists/partial', 'archives/partial', 'etc'])
    fs.mkdirSync(path.join(folder, 'apt', name), { recursive: true });
  const sources = path.join(folder, 'apt/etc/sources.list');
  fs.writeFileSync(
    sources,
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} trixie main\n`,
  );
  const options = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${path.join(folder, 'apt/lists')}`,
    `Dir::Cache=${path.join(folder, 'apt')}`,
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  const run = (command: string, ...args: string[]): void => {
    execFileSync(command, args, { cwd: folder, stdio: 'ignore', timeout: 180_000 });
  };
  run('apt-get', ...options, 'update', '-qq');
  // The suite is named, for another kubectl may be installed here under a higher number.
  run('apt-get', ...options, 'download', '-qq', 'kubectl/trixie');
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    run('dpkg-deb', '-x', file, 'root');
    fs.rmSync(path.join(folder, file));
  }
  fs.copyFileSync(path.join(folder, 'root/usr/bin/kubectl'), path.join(folder, 'kubectl'));
  fs.rmSync(path.join(folder, 'root'), { recursive: true });
  fs.rmSync(path.join(folder, 'apt'), { recursive: true });
}

/** The Debian mirror in this machine's sources, so that a proxy or a local mirror is used. */
function mirror(): string {
  for (const file of ['/etc/apt/sources.list', ...fs.globSync('/etc/apt/sources.list.d/*')]) {
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    const found = /^(?:deb .*?|URIs:\s*)(https?:\/\/\S*debian\/?)(?:\s|$)/m.exec(text);
    if (found?.[1] !== undefined) return found[1];
  }
  return 'http://deb.debian.org/debian';
}

function isNewEnough(command: string): boolean {
  try {
    const text = execFileSync(command, ['version', '--client', '--output=json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    });
    const { clientVersion } = JSON.parse(text) as { clientVersion: { major: string; minor: string } };
    return Number.parseInt(clientVersion.major) > 1 || Number.parseInt(clientVersion.minor) >= 21;
  } catch {
    return false;
  }
}
