import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { type LabUser } from '@waybill/lab';
import { TestWorld } from '../journeys/a-world.ts';
import { needs, type Ran, run } from './programs.ts';

/** curl, as a person would paste it from the start page: it sends over SMTP, and reads over IMAP and POP3. */
needs(import.meta.filename);
const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());
const { ports } = t.world;

const BODY = Buffer.concat([
  Buffer.from('Lunch?\r\n.one dot\r\n..two\r\n.\r\n\r\n \t trailing space \t \r\n'),
  Buffer.from([0xe4, 0xff, 0x80, 0x01, 0x7f, 0x0d, 0x0a]), // octets of no charset
  Buffer.from(`${'x'.repeat(998)}\r\n\r\n\r\n`),
]);

/** Header and body as a file that curl sends. */
function letter(id: string, to: string): string {
  const file = path.join(t.world.dataDir, `${id}.eml`);
  const head = `From: Alice <alice@red.test>\r\nTo: ${to}\r\nSubject: Octets by ${id}\r\nMessage-ID: <${id}@red.test>\r\nX-Odd: folded\r\n\tvalue  \r\n\r\n`;
  fs.writeFileSync(file, Buffer.concat([Buffer.from(head), BODY]));
  return file;
}

/** curl in TLS from the first octet, or (`--ssl-reqd`) after STARTTLS or STLS. */
function curl(user: LabUser | undefined, ...args: string[]): Promise<Ran> {
  const login = user === undefined ? [] : ['--user', `${user.address}:${user.password}`];
  return run('curl', ['-q', '--silent', '--show-error', '--cacert', t.world.caFile, ...login, ...args]);
}

async function read(user: LabUser, ...args: string[]): Promise<Buffer> {
  const ran = await curl(user, ...args);
  assert.equal(ran.code, 0, ran.said);
  return ran.stdout;
}

/** The message after its header, when the header holds what was sent. */
function bodyOf(received: Buffer, id: string): Buffer {
  const at = received.indexOf('\r\n\r\n');
  const head = received.subarray(0, at).toString('latin1');
  assert.ok(head.includes(`Subject: Octets by ${id}\r\n`), head);
  assert.ok(head.includes('\r\nX-Odd: folded\r\n\tvalue  '), head);
  return received.subarray(at + 4);
}

const send = (url: string, id: string, ...args: string[]): Promise<Ran> =>
  curl(
    t.alice,
    url,
    '--mail-from',
    t.alice.address,
    '--mail-rcpt',
    t.bob.address,
    '--upload-file',
    letter(id, t.bob.address),
    ...args,
  );

test('sends by smtps and by STARTTLS; imaps, imap with STARTTLS, pop3s and pop3 with STLS give the same octets', async () => {
  const bySmtps = await send(`smtps://127.0.0.1:${ports.msas}`, 'smtps');
  assert.equal(bySmtps.code, 0, bySmtps.said);
  await t.inbox(t.bob, 1);
  const byStarttls = await send(`smtp://127.0.0.1:${ports.msa}`, 'starttls', '--ssl-reqd');
  assert.equal(byStarttls.code, 0, byStarttls.said);
  await t.inbox(t.bob, 2);

  for (const [number, id] of [
    [1, 'smtps'],
    [2, 'starttls'],
  ] as const) {
    const ways = [
      [`imaps://127.0.0.1:${ports.imaps}/INBOX;MAILINDEX=${number}`],
      [`imap://127.0.0.1:${ports.imap}/INBOX;MAILINDEX=${number}`, '--ssl-reqd'],
      [`pop3s://127.0.0.1:${ports.pop3s}/${number}`],
      [`pop3://127.0.0.1:${ports.pop3}/${number}`, '--ssl-reqd'],
    ];
    const [first = Buffer.alloc(0), ...others] = await Promise.all(ways.map((way) => read(t.bob, ...way)));
    assert.deepEqual(bodyOf(first, id), BODY, id);
    for (const other of others) assert.deepEqual(other, first, 'the whole message is the same by every way');
  }
});

test('lists, searches, reads parts, appends and removes over IMAP', async () => {
  const imap = `imaps://127.0.0.1:${ports.imaps}`;
  assert.match((await read(t.bob, `${imap}/`)).toString(), /^\* LIST \([^)]*\) "\/" "?INBOX"?\r$/m);
  assert.equal((await read(t.bob, `${imap}/INBOX?SUBJECT%20starttls`)).toString(), '* SEARCH 2\r\n');
  const text = await read(t.bob, `${imap}/INBOX;MAILINDEX=1;SECTION=TEXT`);
  assert.deepEqual(text, BODY);
  const file = letter('append', t.bob.address);
  const made = await curl(t.bob, imap, '--request', 'CREATE Kept');
  assert.equal(made.code, 0, made.said);
  const appended = await curl(t.bob, `${imap}/Kept`, '--upload-file', file);
  assert.equal(appended.code, 0, appended.said);
  assert.deepEqual(await read(t.bob, `${imap}/Kept;UID=1`), fs.readFileSync(file));
  await read(t.bob, `${imap}/Kept`, '--request', 'STORE 1 +FLAGS.SILENT (\\Deleted)');
  assert.equal((await read(t.bob, `${imap}/Kept`, '--request', 'EXPUNGE')).toString(), '* 1 EXPUNGE\r\n');
});

test('lists and removes over POP3', async () => {
  const pop = `pop3s://127.0.0.1:${ports.pop3s}`;
  const list = (await read(t.bob, `${pop}/`)).toString();
  assert.match(list, /^1 \d+\r\n2 \d+\r\n$/);
  const size = (await read(t.bob, `${pop}/1`)).length;
  assert.ok(list.startsWith(`1 ${size}\r\n`), `${list} announces what RETR gives: ${size}`);
  const [first, second] = (await read(t.bob, `${pop}/`, '--request', 'UIDL')).toString().split('\r\n');
  assert.match(first ?? '', /^1 [!-~]{1,70}$/);
  const top = (await read(t.bob, `${pop}/`, '--request', 'TOP 1 1')).toString('latin1');
  assert.match(top, /\r\n\r\nLunch\?\r\n$/);
  const removed = await curl(t.bob, `${pop}/1`, '--request', 'DELE', '--list-only');
  assert.equal(removed.code, 0, removed.said);
  const left = (await read(t.bob, `${pop}/`, '--request', 'UIDL')).toString();
  assert.equal(left, `1 ${second?.slice(2)}\r\n`, 'the other message keeps its name');
});

test('an unknown recipient is refused in the session', async () => {
  const args = [`smtps://127.0.0.1:${ports.msas}`, '--verbose', '--mail-from', t.alice.address];
  const ran = await curl(
    t.alice,
    ...args,
    '--mail-rcpt',
    'nobody@blue.test',
    '--upload-file',
    letter('refused', 'nobody@blue.test'),
  );
  assert.equal(ran.code, 55, ran.said);
  assert.match(ran.said, /^< 550 5\.1\.1 /m);
});

test('a wrong password is refused at every door, and no door takes one in clear', async () => {
  const wrong = { address: t.bob.address, password: 'not this' };
  const doors = [`imaps://127.0.0.1:${ports.imaps}/`, `pop3s://127.0.0.1:${ports.pop3s}/`];
  for (const door of doors) {
    const ran = await curl(wrong, door);
    assert.equal(ran.code, 67, ran.said);
  }
  for (const door of [`imap://127.0.0.1:${ports.imap}/`, `pop3://127.0.0.1:${ports.pop3}/`]) {
    const ran = await curl(t.bob, door, '--verbose');
    assert.equal(ran.code, 67, ran.said);
    assert.ok(!ran.said.includes(t.bob.password), 'the password was not sent');
  }
  const ran = await send(`smtp://127.0.0.1:${ports.msa}`, 'clear', '--verbose');
  assert.equal(ran.code, 55, ran.said);
  assert.match(ran.said, /^< 5\d\d 5\.7\.\d /m);
});
