import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { plainArray, textArray } from './arrays.ts';
import { openPool } from './pool.ts';

const db = await testDatabase();
const pool = openPool(db.url, { size: 1 });
after(async () => {
  await pool.end();
  await db[Symbol.asyncDispose]();
});

test('any text arrives as it was; what Postgres cannot store becomes U+FFFD', async () => {
  const items = ['', 'plain', 'a,b', '{}', 'NULL', '"q"', 'back\\slash', '\\"', ' sp ', 'é\r\n', null];
  const { rows } = await pool.query('select $1::text[] as a', [textArray([...items, 'n\0l', '\uD800'])]);
  assert.deepEqual(rows[0].a, [...items, 'n\uFFFDl', '\uFFFD']);
  assert.deepEqual((await pool.query('select $1::text[] as a', [textArray([])])).rows[0].a, []);
});

test('numbers, booleans and nulls', async () => {
  const { rows } = await pool.query('select $1::int[] as a, $2::bool[] as b', [
    plainArray([1, null, -3]),
    plainArray([true, false, undefined]),
  ]);
  assert.deepEqual(rows, [{ a: [1, null, -3], b: [true, false, null] }]);
});
