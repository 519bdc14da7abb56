import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { settingsTable } from '@waybill/daemon';
import Type from 'typebox';
import { MdaSettings } from './config.ts';

test('the README lists the settings as they are', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(settingsTable(Type.Object(MdaSettings))));
});
