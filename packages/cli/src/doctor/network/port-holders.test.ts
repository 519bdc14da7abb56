import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { temporaryFolder } from '@waybill/lab';
import { portHolders } from './port-holders.ts';

const folder = temporaryFolder();
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const nobody = (): Promise<undefined> => Promise.resolve(undefined);

/** A folder like /proc: sockets as `port:state:inode`, processes as `pid:comm:inode`. */
function proc(name: string, sockets: readonly string[], processes: readonly string[] = []): string {
  const root = path.join(folder, name);
  fs.mkdirSync(path.join(root, 'net'), { recursive: true });
  const rows = sockets.map((one, i) => {
    const [port, state, inode] = one.split(':');
    const hex = Number(port).toString(16).toUpperCase().padStart(4, '0');
    return `  ${i}: 0100007F:${hex} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  0  0 ${inode} 1`;
  });
  fs.writeFileSync(path.join(root, 'net/tcp'), ['head', ...rows, ''].join('\n'));
  for (const one of processes) {
    const [pid = '', comm, inode] = one.split(':');
    fs.mkdirSync(path.join(root, pid, 'fd'), { recursive: true });
    fs.writeFileSync(path.join(root, pid, 'comm'), `${comm}\n`);
    fs.writeFileSync(path.join(root, pid, 'cmdline'), `/usr/lib/postfix/sbin/${comm}\0-w\0`);
    fs.symlinkSync(`socket:[${inode}]`, path.join(root, pid, 'fd/5'));
  }
  return root;
}

test('who listens on a mail port is named; connections and other ports are passed over', async () => {
  const root = proc(
    'many',
    ['25:0A:11', '25:01:12', '8080:0A:13', '993:0A:14'],
    ['7:master:11', '8:node:14', '9:web:13'],
  );
  assert.deepEqual(await portHolders(root, nobody), {
    kind: 'known',
    value: [
      { port: 25, pid: 7, program: 'postfix' },
      { port: 993, pid: 8, program: 'node' },
    ],
  });
});

test('a process that may not be looked at is known by its greeting', async () => {
  const root = proc('hidden', ['25:0A:11']);
  assert.deepEqual(await portHolders(root, () => Promise.resolve('220 box ESMTP Exim 4.96')), {
    kind: 'known',
    value: [{ port: 25, pid: undefined, program: 'exim' }],
  });
});

test('where there is no /proc nothing is claimed', async () => {
  assert.equal((await portHolders(path.join(folder, 'none'), nobody)).kind, 'unknown');
});
