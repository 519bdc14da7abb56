import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after } from 'node:test';
import { TestWorld } from '../journeys/a-world.ts';
import { needs, run } from './programs.ts';

/** Python's own libraries, which more scripts in the world use than any other client. */
needs(import.meta.filename);
const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

const SUBJECTS = ['by starttls', 'by tls', 'to two', 'after all that', 'from outside'];

/** Runs a script of this folder with the world on its standard input; its traceback is the message. */
async function python(script: string): Promise<void> {
  const settings = {
    ports: { ...t.world.ports, mx: t.world.replicasOf('mx')[0]?.ports['port'] },
    ca: t.world.caFile,
    alice: t.alice,
    bob: t.bob,
    subjects: SUBJECTS,
  };
  const ran = await run('python3', ['-I', '-X', 'utf8', path.join(import.meta.dirname, script)], {
    input: JSON.stringify(settings),
  });
  assert.equal(ran.code, 0, ran.said);
}

test('smtplib sends over STARTTLS and TLS', async () => {
  await python('python-smtp.py');
  await t.inbox(t.bob, SUBJECTS.length);
  await t.world.quiet();
});

test('imaplib reads what was sent and arranges it, over TLS and STARTTLS', async () => {
  await python('python-imap.py');
});

test('poplib reads and removes, over TLS and STLS', async () => {
  await python('python-pop.py');
});
