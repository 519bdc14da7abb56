import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import Type from 'typebox';
import { ConfigError, loadConfig, settingsTable } from './config.ts';

const schema = Type.Object({
  WAYBILL_PORT: Type.Integer({ default: 2525, minimum: 0, maximum: 65535, description: 'where to listen' }),
  WAYBILL_LAB: Type.Boolean({ default: false }),
  WAYBILL_DATABASE_URL: Type.String({ secret: true, description: 'connection string' }),
  WAYBILL_RELAY: Type.Optional(Type.String()),
});

const faults = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    loadConfig(schema, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults;
  }
  return [];
};

test('values are read, converted and frozen; what is absent takes its default', () => {
  const config = loadConfig(schema, {
    WAYBILL_PORT: '25',
    WAYBILL_LAB: 'true',
    WAYBILL_DATABASE_URL: 'postgres://x',
    HOME: '/',
  });
  assert.deepEqual(
    { ...config },
    { WAYBILL_PORT: 25, WAYBILL_LAB: true, WAYBILL_DATABASE_URL: 'postgres://x' },
  );
  assert.throws(() => Object.assign(config, { WAYBILL_PORT: 1 }), TypeError);
});

test('a secret may come from a file, its line end removed; an empty one says nothing', () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'config-')), 'url');
  fs.writeFileSync(file, 'postgres://from-file\n');
  assert.equal(
    loadConfig(schema, { WAYBILL_DATABASE_URL_FILE: file }).WAYBILL_DATABASE_URL,
    'postgres://from-file',
  );
  fs.writeFileSync(file, '\n');
  assert.match(faults({ WAYBILL_DATABASE_URL_FILE: file }).join(), /^WAYBILL_DATABASE_URL is missing/);
  fs.rmSync(path.dirname(file), { recursive: true });
});

test('all faults are told at once, with the fix', () => {
  const found = faults({ WAYBILL_PORT: '99999', WAYBILL_LAB: 'perhaps', WAYBIL: 'x', WAYBILL_PROT: '1' });
  assert.equal(found.length, 4);
  assert.match(found[0]!, /^WAYBILL_PORT: "99999" must be <= 65535 \(where to listen\)/);
  assert.match(found[1]!, /^WAYBILL_LAB: "perhaps" must be boolean/);
  assert.match(found[2]!, /^WAYBILL_DATABASE_URL is missing: connection string/);
  assert.match(found[3]!, /^WAYBILL_PROT is not a setting of this agent; did you mean WAYBILL_PORT\?/);
});

test('a secret is never printed', () => {
  const strict = Type.Object({ WAYBILL_KEY: Type.String({ secret: true, minLength: 20 }) });
  assert.throws(
    () => loadConfig(strict, { WAYBILL_KEY: 'hunter2' }),
    (error: Error) => !error.message.includes('hunter2') && /WAYBILL_KEY: the value/.test(error.message),
  );
});

test('the settings table has a row per setting', () => {
  assert.match(settingsTable(schema), /\| `WAYBILL_PORT` \| `2525` \| where to listen \|\n/);
  assert.match(
    settingsTable(schema),
    /\| `WAYBILL_DATABASE_URL` \| required \| connection string \(or `_FILE`\) \|/,
  );
});
