import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { filesOf, WatchedFiles } from './watched-files.ts';

/** A folder as a kubelet mounts a Secret: file → ..data/file, and ..data → a folder that is exchanged whole. */
function mounted(content: string): { file: string; exchange: (content: string) => void; remove: () => void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mounted-'));
  const exchange = (text: string): void => {
    const version = fs.mkdtempSync(path.join(folder, '..version-'));
    fs.writeFileSync(path.join(version, 'agent.pem'), text);
    fs.symlinkSync(path.basename(version), path.join(folder, '..data_tmp'));
    fs.renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  };
  exchange(content);
  fs.symlinkSync('..data/agent.pem', path.join(folder, 'agent.pem'));
  return {
    file: path.join(folder, 'agent.pem'),
    exchange,
    remove: () => fs.rmSync(folder, { recursive: true }),
  };
}

/** Resolves with what the file says when the change was noticed. */
function nextChange(files: WatchedFiles, file: string): Promise<string> {
  return new Promise((resolve) => {
    files.watch(5, () => {
      resolve(fs.readFileSync(file, 'utf8'));
      return Promise.resolve(true);
    });
  });
}

test('a folder exchanged behind its link, as a kubelet does, is noticed', async () => {
  const { file, exchange, remove } = mounted('first');
  using files = new WatchedFiles([file]);
  const noticed = nextChange(files, file);
  exchange('other');
  assert.equal(await noticed, 'other');
  remove();
});

test('what changed between the first look and the start of the watch is noticed', async () => {
  const { file, exchange, remove } = mounted('first');
  using files = new WatchedFiles([file]);
  exchange('while it started');
  assert.equal(await nextChange(files, file), 'while it started');
  remove();
});

test('a change that could not be taken is tried again, one that was taken is not', async () => {
  const { file, exchange, remove } = mounted('first');
  using files = new WatchedFiles([file, '/nowhere/at-all']);
  const calls: string[] = [];
  const { promise: taken, resolve } = Promise.withResolvers<void>();
  const { promise: third, resolve: setThird } = Promise.withResolvers<void>();
  files.watch(5, () => {
    calls.push(fs.readFileSync(file, 'utf8'));
    if (calls.length === 2) resolve();
    if (calls.length === 3) setThird();
    return Promise.resolve(calls.length > 1);
  });
  exchange('second');
  await taken;
  exchange('third');
  await third;
  assert.deepEqual(calls, ['second', 'second', 'third']);
  remove();
});

test('a file that cannot even be looked at is one more content: it ends neither the start nor the watch', async () => {
  const { file, exchange, remove } = mounted('first');
  const loop = path.join(path.dirname(file), 'loop');
  fs.symlinkSync('loop', loop);
  using files = new WatchedFiles([file, loop]);
  const noticed = nextChange(files, file);
  exchange('other');
  assert.equal(await noticed, 'other');
  remove();
});

test('the files of a configuration are the values of its _FILE settings', () => {
  const config = { WAYBILL_TLS_CERT_FILE: '/a', WAYBILL_TLS_CA_FILE: '', WAYBILL_AUTH: 'auth:2100' };
  assert.deepEqual(filesOf(config), ['/a']);
});
