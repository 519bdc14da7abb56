import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { freePort } from './free-port.ts';

const HERE = path.join(import.meta.dirname, 'free-port.ts');

test('processes that ask at the same time never get the same port, before anybody listens on it', async () => {
  const script = `import { freePort } from ${JSON.stringify(HERE)};
    const ports = []; for (let i = 0; i < 400; i++) ports.push(await freePort());
    console.log(ports.join(' ')); process.stdin.resume();`;
  const children = Array.from({ length: 8 }, () =>
    spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const printed = await Promise.all(
    children.map(async (child) => {
      const [text] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
      return text.trim().split(' ');
    }),
  );
  await Promise.all(
    children.map((child) => {
      child.stdin.end();
      return once(child, 'exit');
    }),
  );
  const all = printed.flat();
  assert.equal(all.length, 3200);
  assert.equal(new Set(all).size, all.length, 'a port was given twice');
  assert.ok(Math.min(...all.map(Number)) > 10_080, 'a port that fetch() refuses to ask');
});

test('a port that somebody listens on is not given', async () => {
  const first = await freePort();
  const taken = net.createServer().listen(first + 1, '127.0.0.1');
  await once(taken, 'listening');
  const next = [await freePort(), await freePort()];
  assert.ok(!next.includes(first + 1), `${first + 1} is in use and was given`);
  taken.close();
});
