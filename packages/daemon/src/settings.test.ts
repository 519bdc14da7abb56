import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import Type from 'typebox';
import { settingsTable } from './config.ts';
import { DaemonSettings } from './settings.ts';

test('the README lists the settings of every agent as they are', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(settingsTable(Type.Object(DaemonSettings))));
});
