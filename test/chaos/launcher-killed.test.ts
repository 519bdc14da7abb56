import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { readLabFile, temporaryFolder, type LabFile } from '@waybill/lab';

const tool = path.join(import.meta.dirname, '../../packages/cli/src/main.ts');

/** Boots the lab as a user would, in a process of its own, and resolves when it stands. */
async function startLab(
  dataDir: string,
): Promise<{ pid: number; exit: Promise<number | null>; lab: LabFile }> {
  const child = spawn(process.execPath, [tool, 'start', '--data', dataDir, '--port-base', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // As in a terminal: a process group of its own, which Ctrl-C reaches as a whole.
    detached: true,
  });
  let output = '';
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const up = new Promise<void>((resolve) => {
    const take = (text: Buffer): void => {
      output += text.toString();
      if (output.includes('Ctrl-C ends everything')) resolve();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
  });
  await Promise.race([
    up,
    exit.then((code) => {
      throw new Error(`the lab ended with ${code}: ${output}`);
    }),
  ]);
  return { pid: child.pid ?? 0, exit, lab: readLabFile(dataDir) };
}

/** Every process of the lab but the launcher itself. */
function processes(lab: LabFile): number[] {
  const agents = Object.values(lab.replicas).flatMap((replicas) =>
    replicas.map((replica) => replica['pid'] ?? 0),
  );
  return [...agents, lab.pids.postgres, ...(lab.pids.redis === null ? [] : [lab.pids.redis])];
}

/** A process that has ended but was not yet waited for by its parent (a container without init) is not alive. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = fs.existsSync('/proc/self/stat') ? fs.readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return !/\) Z /.test(stat);
  } catch {
    return false;
  }
}

test('after kill -9 of the launcher no process is left within 5 s, Postgres included', async () => {
  const dataDir = temporaryFolder();
  const { pid, exit, lab } = await startLab(dataDir);
  const all = processes(lab);
  assert.ok(all.length >= 7 && all.every(alive), `running: ${all.join(' ')}`);
  process.kill(pid, 'SIGKILL');
  await exit;
  const deadline = Date.now() + 5000;
  while (all.some(alive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(all.filter(alive), []);
  fs.rmSync(dataDir, { recursive: true, force: true });
});

test('SIGTERM to the launcher and Ctrl-C in its terminal end everything with exit code 0, and the world can be started again', async () => {
  const dataDir = temporaryFolder();
  const first = await startLab(dataDir);
  process.kill(first.lab.pids.lab, 'SIGTERM');
  assert.equal(await first.exit, 0);
  assert.deepEqual(processes(first.lab).filter(alive), []);
  const second = await startLab(dataDir);
  process.kill(-second.pid, 'SIGINT');
  assert.equal(await second.exit, 0);
  assert.deepEqual(processes(second.lab).filter(alive), []);
  fs.rmSync(dataDir, { recursive: true, force: true });
});
