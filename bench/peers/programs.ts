import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** Which of the programs that we compare with are on this machine. They are used when installed, never installed. */
export interface Programs {
  readonly postfix: string | undefined;
  readonly dovecot: string | undefined;
}

/** Servers are often outside of a user's PATH. */
const FOLDERS = [
  ...(process.env['PATH'] ?? '').split(path.delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/sbin',
];

export function findPrograms(): Programs {
  return { postfix: find('postfix'), dovecot: find('dovecot') };
}

function find(name: string): string | undefined {
  for (const folder of FOLDERS) {
    if (folder === '') continue;
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Runs a program to its end. @throws Error with what it printed when it fails or takes longer than `limitMs` */
export async function runProgram(
  file: string,
  args: readonly string[],
  { env = process.env, limitMs = 60_000 }: { env?: NodeJS.ProcessEnv; limitMs?: number } = {},
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, args, { timeout: limitMs, encoding: 'utf8', env });
    return stdout;
  } catch (error) {
    const { stderr, killed, code } = error as Error & {
      stderr?: string;
      killed?: boolean;
      code?: number | string;
    };
    const why =
      killed === true
        ? `not done after ${limitMs / 1000} s`
        : (stderr?.trim() || `ended with ${code}`).slice(-1000);
    throw new Error(`${path.basename(file)} ${args.slice(0, 3).join(' ')} …: ${why}`, { cause: error });
  }
}
