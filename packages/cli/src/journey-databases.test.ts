import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { readDatabase } from './journey-databases.ts';
import { UsageError } from './usage.ts';

test('a database is a connection string or a file that holds one, with a name or its host’s', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journey-'));
  const file = path.join(folder, 'url');
  fs.writeFileSync(file, 'postgres://op:pw@db.two:5432/w\n');
  assert.deepEqual(readDatabase('one=postgres://op:p=w@db.one/w?sslmode=disable'), {
    name: 'one',
    url: 'postgres://op:p=w@db.one/w?sslmode=disable',
  });
  assert.deepEqual(readDatabase('postgres://op:p=w@db.one/w'), {
    name: 'db.one',
    url: 'postgres://op:p=w@db.one/w',
  });
  assert.deepEqual(readDatabase(`two=${file}`), { name: 'two', url: 'postgres://op:pw@db.two:5432/w' });
  assert.equal(readDatabase(file).name, 'db.two:5432');
  fs.rmSync(folder, { recursive: true });
  for (const bad of ['three=mysql://op:secret@db/w', '/no/such/file'])
    assert.throws(
      () => readDatabase(bad),
      (error: Error) => error instanceof UsageError && !error.message.includes('secret'),
    );
});
