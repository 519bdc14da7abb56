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

/** Runs a program to its end. @throws Error with what it printed when it fails or takes longer than 30 s */
export async function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, args, { timeout: 30_000, encoding: 'utf8', env });
    return stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`${path.basename(file)} ${args.join(' ')}: ${stderr?.trim() || message}`, {
      cause: error,
    });
  }
}
