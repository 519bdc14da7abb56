import fs from 'node:fs';
import path from 'node:path';
import type { Known, PortHolder } from '../facts.ts';
import { LineDialogue } from './line-dialogue.ts';

/** Ports that a mail suite wants, and others may hold. */
export const MAIL_PORTS = [25, 110, 143, 465, 587, 993, 995] as const;

const LISTENING = '0A';

/**
 * Who listens on this machine's mail ports, as far as Linux tells (`/proc`): the process where it may be read, else the
 * program that its greeting on port 25 names.
 */
export async function portHolders(
  proc = '/proc',
  greeting: () => Promise<string | undefined> = localGreeting,
): Promise<Known<readonly PortHolder[]>> {
  let inodes: Map<string, number>;
  try {
    inodes = new Map([
      ...listeners(path.join(proc, 'net/tcp')),
      ...listeners(path.join(proc, 'net/tcp6'), true),
    ]);
  } catch (error) {
    return {
      kind: 'unknown',
      cause: `this machine has no readable ${proc}/net/tcp (${(error as NodeJS.ErrnoException).code})`,
    };
  }
  const owners = inodes.size === 0 ? new Map<string, number>() : ownersOf(proc, new Set(inodes.keys()));
  const holders = new Map<number, PortHolder>();
  for (const [inode, port] of inodes) {
    const pid = owners.get(inode);
    if (holders.get(port)?.pid !== undefined) continue;
    holders.set(port, { port, pid, program: pid === undefined ? undefined : programOf(proc, pid) });
  }
  const smtp = holders.get(25);
  if (smtp !== undefined && smtp.program === undefined) {
    const program = programIn((await greeting()) ?? '');
    if (program !== undefined) holders.set(25, { ...smtp, program });
  }
  return { kind: 'known', value: [...holders.values()].toSorted((a, b) => a.port - b.port) };
}

/** Inode to port, of listening sockets on mail ports. @throws when the file cannot be read, unless `mayLack` */
function listeners(file: string, mayLack = false): Map<string, number> {
  const found = new Map<string, number>();
  let text = '';
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (!mayLack) throw error;
  }
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16);
    if (state === LISTENING && inode !== undefined && (MAIL_PORTS as readonly number[]).includes(port))
      found.set(inode, port);
  }
  return found;
}

function ownersOf(proc: string, inodes: ReadonlySet<string>): Map<string, number> {
  const owners = new Map<string, number>();
  for (const pid of entries(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = path.join(proc, pid, 'fd');
    for (const descriptor of entries(folder)) {
      let target = '';
      try {
        target = fs.readlinkSync(path.join(folder, descriptor));
      } catch {
        continue; // closed meanwhile
      }
      const inode = target.startsWith('socket:[') ? target.slice(8, -1) : '';
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, Number(pid));
    }
  }
  return owners;
}

/** Empty where it may not be read. */
function entries(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function programOf(proc: string, pid: number): string | undefined {
  try {
    const name = fs.readFileSync(path.join(proc, String(pid), 'comm'), 'utf8').trim();
    // Postfix's listener calls itself `master`, which says nothing.
    const words = fs.readFileSync(path.join(proc, String(pid), 'cmdline'), 'utf8').split('\0')[0] ?? '';
    return name === 'master' && words.includes('postfix') ? 'postfix' : name;
  } catch {
    return undefined;
  }
}

function programIn(greeting: string): string | undefined {
  const lower = greeting.toLowerCase();
  return ['postfix', 'exim', 'sendmail', 'opensmtpd'].find((name) => lower.includes(name));
}

async function localGreeting(): Promise<string | undefined> {
  const dialogue = await LineDialogue.open({ host: '127.0.0.1', port: 25 }, 1000);
  if (typeof dialogue === 'string') return undefined;
  const said = await dialogue.hear(3000);
  dialogue.close();
  return said;
}
