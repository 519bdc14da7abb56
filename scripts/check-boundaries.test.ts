import assert from 'node:assert/strict';
import test from 'node:test';
import { faultsOf } from './check-boundaries.ts';

test('an inner ring must not know an outer one', () => {
  assert.match(
    faultsOf('packages/imap/src/a.ts', "import { openPool } from '@waybill/postgres';")[0] ?? '',
    /from an outer ring/,
  );
  assert.deepEqual(faultsOf('services/mx/src/a.ts', "import { openPool } from '@waybill/postgres';"), []);
});

test('services do not import each other, nor anybody around the door of a package', () => {
  assert.match(
    faultsOf('services/mx/src/a.ts', "import { x } from '@waybill/mda';")[0] ?? '',
    /services meet at/,
  );
  assert.match(
    faultsOf('services/mx/src/a.ts', "import { x } from '../../mda/src/x.ts';")[0] ?? '',
    /leaves services\/mx/,
  );
  assert.deepEqual(
    faultsOf('packages/cli/src/a.ts', "import { directorySchema } from '@waybill/auth/schema';"),
    [],
  );
});

test('tests may use the lab', () => {
  assert.deepEqual(
    faultsOf('packages/spool/test/a.test.ts', "import { testDatabase } from '@waybill/lab';"),
    [],
  );
});

test('a drawer without a name and a file without an end are faults', () => {
  assert.match(faultsOf('packages/imap/src/utils.ts', '')[0] ?? '', /names no job/);
  assert.match(faultsOf('packages/imap/src/a.ts', '\n'.repeat(500))[0] ?? '', /501 lines/);
});
