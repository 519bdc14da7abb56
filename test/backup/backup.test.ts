import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { temporaryFolder } from '@waybill/lab';
import { docker, ROOT } from '../compose/project.ts';
import { needsEngine } from '../containers/engine.ts';
import { audit, type Audit } from '../ledger/audit.ts';
import { Ledger } from '../ledger/ledger-file.ts';
import { type LoadReport, runLoad } from '../ledger/load.ts';
import { Deployment } from './deployment.ts';

/**
 * A backup taken under load brings every message back that was acknowledged before it began, once, into an
 * empty machine. What was acknowledged after it is lost: that is what a backup is.
 */
needsEngine(import.meta.filename);

const folder = temporaryFolder();
const t = await Deployment.plan(`waybill-backup-${process.pid}`);
const ledger = new Ledger(path.join(folder, 'ledger.txt'));
after(async () => {
  ledger.close();
  await t.project.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});
await t.up();
await t.addUsers('ledger.test', ['ann', 'ben', 'cleo', 'dan']);
const [ann = { address: '', password: '' }] = t.users;

let backup = '';
let before: ReadonlySet<string> = new Set();

test('a backup is taken while mail goes on', async () => {
  await send(60, 3);
  const sending = send(400, 20);
  before = new Set(ledger.acknowledged);
  backup = await t.backup(path.join(folder, 'backups'));
  await sending;
  assert.deepEqual(fs.readdirSync(backup).toSorted(), [
    'SHA256SUMS',
    'database.dump',
    'logins.sql',
    'secrets.tar',
  ]);
  assert.equal(fs.statSync(path.join(backup, 'secrets.tar')).mode & 0o077, 0, 'only its owner reads it');
  assert.ok(before.size >= 60);
});

test('a restore does not touch a database that holds mail, nor a damaged backup', async () => {
  await assert.rejects(t.project.script('deploy/restore.sh', [backup]), /agents are running/);
  const damaged = path.join(folder, 'damaged');
  fs.cpSync(backup, damaged, { recursive: true });
  fs.appendFileSync(path.join(damaged, 'database.dump'), 'x');
  await assert.rejects(t.project.script('deploy/restore.sh', [damaged]), /is damaged/);
});

test('with all volumes lost, the backup brings back all that was acknowledged before it began, once', async () => {
  await t.empty();
  const late = new Set(ledger.acknowledged);
  await send(1, 1);
  const [lost = ''] = [...ledger.acknowledged].filter((id) => !late.has(id));
  const uidNext = await readAgain(() => t.uidNext(ann));
  await t.project.remove();

  await t.project.script('deploy/restore.sh', [backup]);
  await t.up();
  await t.empty();
  const found = await look();
  assert.ok(found.missing.includes(lost), 'what came after the backup is lost');
  await send(4, 1);
  await t.empty();
  assert.ok(
    (await readAgain(() => t.uidNext(ann))) > uidNext + 1,
    'no UID that a client may know is given out again',
  );
});

test('the same in place, over what the database holds', async () => {
  await t.project.script('deploy/restore.sh', ['--replace', backup]);
  await t.up();
  await t.empty();
  await look();
});

test('a Postgres without compose is saved and brought back by the same scripts', async () => {
  const password = await docker(['run', '--rm', ...SECRETS, 'postgres:17', 'cat', '/run/waybill/password']);
  await t.ask('create database plainly', 'postgres');
  await plain(password, 'waybill', 'deploy/backup.sh --plain /folder/plain');
  const [name = ''] = fs.readdirSync(path.join(folder, 'plain'));
  await plain(password, 'plainly', `deploy/restore.sh --plain /folder/plain/${name}`);
  const count = 'select count(*) from mailstore.mailbox_msg';
  assert.equal(await t.ask(count, 'plainly'), await t.ask(count));
  assert.ok(Number(await t.ask(count, 'plainly')) >= before.size);
  await assert.rejects(
    plain(password, 'plainly', `deploy/restore.sh --plain /folder/plain/${name}`),
    /database is not empty/,
  );
});

/** Sends so many more messages over so many seconds, from both sides. */
async function send(messages: number, seconds: number): Promise<LoadReport> {
  const report = await runLoad({
    ledger,
    doors: t.doors,
    from: ann.address,
    recipients: t.users.map((user) => user.address),
    connections: 4,
    size: 5120,
    messages,
    seconds,
    maxSeconds: seconds + 120,
  });
  assert.ok(report.acknowledged >= messages, JSON.stringify(report.errors));
  return report;
}

/** Nothing from before the backup is missing, and nothing is there twice. */
async function look(): Promise<Audit> {
  const found = await readAgain(() => audit(ledger, t.users, t.imapsPorts, t.ca));
  assert.deepEqual(
    {
      missing: found.missing.filter((id) => before.has(id)),
      doubled: found.doubled,
      misplaced: found.misplaced,
    },
    { missing: [], doubled: [], misplaced: [] },
  );
  return found;
}

/** Does what the server asks for when it says that the store cannot be reached now: a busy machine makes it say so. */
async function readAgain<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (attempt === 10 || !(error as Error).message.includes('[UNAVAILABLE]')) throw error;
    }
  }
}

const SECRETS = [
  '--mount',
  `type=volume,source=${t.project.name}_secrets,target=/run/waybill,volume-subpath=postgres,volume-nocopy,readonly`,
];

/** A script in a container that has nothing but Postgres' own programs and a way to the server. */
function plain(password: string, database: string, command: string): Promise<string> {
  return docker([
    'run',
    '--rm',
    '--network',
    `${t.project.name}_data`,
    '--volume',
    `${path.join(ROOT, 'deploy')}:/deploy:ro`,
    '--volume',
    `${folder}:/folder`,
    ...[
      'PGHOST=postgres',
      'PGUSER=postgres',
      `PGPASSWORD=${password.trim()}`,
      `PGDATABASE=${database}`,
    ].flatMap((one) => ['--env', one]),
    '--entrypoint',
    'bash',
    'postgres:17',
    '-c',
    command,
  ]);
}
