import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { ImapClient } from '@waybill/lab';
import { message, TestWorld } from '../journeys/a-world.ts';
import { needs, run } from './programs.ts';

/** isync: a Maildir and the account are kept the same, both ways. It trusts UIDs, flags and UIDPLUS entirely. */
needs(import.meta.filename);
const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

const folder = path.join(t.world.dataDir, 'mbsync');
const maildir = path.join(folder, 'mail');
const config = path.join(folder, 'mbsyncrc');
fs.mkdirSync(maildir, { recursive: true });
fs.writeFileSync(
  config,
  `IMAPAccount waybill
Host localhost
Port ${t.world.ports.imap}
User ${t.bob.address}
Pass "${t.bob.password}"
SSLType STARTTLS
CertificateFile ${t.world.caFile}

IMAPStore account
Account waybill

MaildirStore local
Path ${maildir}/
Inbox ${maildir}/INBOX
SubFolders Verbatim

Channel all
Far :account:
Near :local:
Patterns *
Create Both
Expunge Both
SyncState *
`,
);

async function mbsync(): Promise<void> {
  const ran = await run('mbsync', ['-c', config, '-a']);
  assert.equal(ran.code, 0, ran.said);
  assert.doesNotMatch(ran.said, /error|warning/i);
}

/** Every file of the Maildir that is state or mail: name and content. */
function local(): Map<string, string> {
  return new Map(
    fs
      .readdirSync(maildir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(maildir, file), fs.readFileSync(file, 'latin1')] as const;
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** The mail of a local mailbox: path by subject. */
function files(mailbox: string): Map<string, string> {
  return new Map(
    [...local()]
      .filter(([name]) => name.startsWith(`${mailbox}/cur/`) || name.startsWith(`${mailbox}/new/`))
      .map(([name, content]) => [/^Subject: (.*?)\r?$/m.exec(content)?.[1] ?? '', path.join(maildir, name)]),
  );
}

/** A command to a mailbox of the account, and what it answered. */
async function far(mailbox: string, command: string): Promise<string> {
  const client = await ImapClient.connect({ port: t.world.ports.imaps, ca: t.ca });
  try {
    await client.login(t.bob.address, t.bob.password);
    await client.ok(`SELECT ${mailbox}`);
    const answer = await client.ok(command);
    return answer.untagged
      .map((one) => one.text + one.literals.map((literal) => literal.toString('latin1')).join(''))
      .filter((text) => text.startsWith('* ') && / FETCH |^\* SEARCH/.test(text))
      .join('\n');
  } finally {
    client.close();
  }
}

const subject = (text: string): string =>
  message({ From: 'stranger@slow.test', To: t.bob.address, Subject: text }, `The text of ${text}.`);

test('mail comes down once; a second run changes nothing on either side', async () => {
  let inbox: string[] = [];
  for (const text of ['first', 'second', 'third']) {
    assert.equal(await t.send(t.mx, 'stranger@slow.test', t.bob.address, subject(text)), undefined);
    inbox = await t.inbox(t.bob, inbox.length + 1); // one by one, so that they are numbered in this order
  }
  await mbsync();
  const mail = files('INBOX');
  assert.deepEqual([...mail.keys()].toSorted(), ['first', 'second', 'third']);
  for (const octets of inbox) {
    const name = /^Subject: (.*)\r$/m.exec(octets)?.[1] ?? '';
    const content = fs.readFileSync(mail.get(name) ?? '', 'latin1');
    assert.equal(withoutMark(content), octets.replaceAll('\r\n', '\n'));
  }
  assert.ok(fs.existsSync(path.join(maildir, 'Sent/cur')), 'the default mailboxes came down as well');

  const before = { local: local(), far: await far('INBOX', 'FETCH 1:* (UID FLAGS RFC822.SIZE)') };
  await mbsync();
  assert.deepEqual(local(), before.local);
  assert.equal(await far('INBOX', 'FETCH 1:* (UID FLAGS RFC822.SIZE)'), before.far);
});

test('flags travel both ways', async () => {
  const mail = files('INBOX');
  setFlags(mail.get('first') ?? '', 'FS');
  await far('INBOX', 'STORE 2 +FLAGS (\\Answered)');
  await mbsync();
  const flags = await far('INBOX', 'FETCH 1:2 (FLAGS)');
  assert.match(flags, /^\* 1 FETCH \(FLAGS \((?=[^)]*\\Flagged)(?=[^)]*\\Seen)[^)]*\)\)$/m);
  assert.match(files('INBOX').get('second') ?? '', /:2,R$/);
});

test('a message and a mailbox that are new here go up, and are not doubled', async () => {
  const text = 'From: bob@blue.test\nSubject: from below\n\nWritten on a train.\n.\n\xe4\n';
  fs.writeFileSync(path.join(maildir, 'INBOX/new/1.local'), text, 'latin1');
  for (const part of ['cur', 'new', 'tmp'])
    fs.mkdirSync(path.join(maildir, 'Travels/2026', part), { recursive: true });
  for (const part of ['cur', 'new', 'tmp'])
    fs.mkdirSync(path.join(maildir, 'Travels', part), { recursive: true });
  fs.writeFileSync(
    path.join(maildir, 'Travels/2026/cur/2.local:2,S'),
    text.replace('below', 'afar'),
    'latin1',
  );
  await mbsync();
  await mbsync();
  assert.equal(files('INBOX').size, 4);
  const octets = await far('INBOX', 'FETCH 4 (BODY.PEEK[])');
  assert.ok(withoutMark(octets).includes(text.replaceAll('\n', '\r\n')), octets);
  assert.match(await far('Travels/2026', 'FETCH 1:* (FLAGS)'), /^\* 1 FETCH \(FLAGS \([^)]*\\Seen[^)]*\)\)$/);
});

test('what is removed on one side goes on the other', async () => {
  setFlags(files('INBOX').get('third') ?? '', 'ST');
  await far('INBOX', 'STORE 1 +FLAGS.SILENT (\\Deleted)');
  await mbsync();
  assert.deepEqual([...files('INBOX').keys()].toSorted(), ['from below', 'second']);
  assert.equal((await t.inbox(t.bob)).length, 2);
  const before = local();
  await mbsync();
  assert.deepEqual(local(), before);
});

/** A Maildir file with these flags: its name is where they are kept. */
function setFlags(file: string, flags: string): void {
  fs.renameSync(
    file,
    path.join(path.dirname(path.dirname(file)), 'cur', `${path.basename(file).split(':')[0]}:2,${flags}`),
  );
}

/** mbsync marks what it copies with a field of its own. */
function withoutMark(text: string): string {
  return text.replace(/^X-TUID: .*\r?\n/m, '');
}
