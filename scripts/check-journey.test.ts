import assert from 'node:assert/strict';
import test from 'node:test';
import { faultsOfDocument, type Files } from './check-journey.ts';

const TREE: Readonly<Record<string, string>> = {
  'services/mx/src/session.ts': 'async rcpt(to: Mailbox) {}',
  'services/mx/README.md': '',
  'packages/spool/migrations/0001-spool.sql': 'create table spool.msg',
};
const files: Files = {
  exists: (name) => Object.keys(TREE).some((file) => file === name || file.startsWith(name)),
  read: (name) => TREE[name] ?? '',
};

test('a path that is there is no fault, one that is not is', () => {
  assert.deepEqual(faultsOfDocument('docs/journey.md', 'see `services/mx/src/session.ts`.', files), []);
  assert.deepEqual(faultsOfDocument('docs/journey.md', 'see `services/mx/src/gone.ts`.', files), [
    'docs/journey.md: services/mx/src/gone.ts does not exist',
  ]);
});

test('behind # stands a name that the file holds', () => {
  assert.deepEqual(faultsOfDocument('docs/journey.md', '`services/mx/src/session.ts#rcpt`', files), []);
  assert.deepEqual(
    faultsOfDocument('docs/journey.md', '`packages/spool/migrations/0001-spool.sql#msg`', files),
    [],
  );
  assert.deepEqual(faultsOfDocument('docs/journey.md', '`services/mx/src/session.ts#rcp`', files), [
    'docs/journey.md: services/mx/src/session.ts has no rcp',
  ]);
});

test('a README names files from its own folder or from its src', () => {
  assert.deepEqual(faultsOfDocument('services/mx/README.md', '`session.ts`, `src/session.ts`', files), []);
  assert.deepEqual(faultsOfDocument('services/mx/README.md', '`phases/`', files), [
    'services/mx/README.md: phases/ does not exist',
  ]);
});

test('links are followed from the document; other sites, flags, addresses and placeholders are not paths', () => {
  assert.deepEqual(
    faultsOfDocument('README.md', '[mx](services/mx/README.md) [x](https://x.test/a)', files),
    [],
  );
  assert.deepEqual(faultsOfDocument('docs/a.md', '[mx](services/mx/README.md)', files), [
    'docs/a.md: services/mx/README.md does not exist',
  ]);
  assert.deepEqual(
    faultsOfDocument(
      'README.md',
      '`--data` `/livez` `lmtp://a` `services/<agent>/src/main.ts` `a@b.test`',
      files,
    ),
    [],
  );
});
