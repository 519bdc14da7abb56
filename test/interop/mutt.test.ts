import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { type LabUser } from '@waybill/lab';
import { TestWorld } from '../journeys/a-world.ts';
import { needs, run } from './programs.ts';
import { Terminal } from './terminal.ts';

/** mutt, an old hand: sends by smtps with a login, keeps a copy in Sent over IMAP, and reads on a terminal. */
needs(import.meta.filename);
const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

/** The settings of a user, as a muttrc. */
function muttrc(user: LabUser): string {
  const file = path.join(t.world.dataDir, `${user.address}.muttrc`);
  const name = user.address.replace('@', '%40');
  fs.writeFileSync(
    file,
    `set from="${user.address}"
set realname="" use_from=yes use_domain=no
ignore *
unignore from: to: subject:
set smtp_url="smtps://${name}@localhost:${t.world.ports.msas}/"
set smtp_pass="${user.password}"
set imap_user="${user.address}"
set imap_pass="${user.password}"
set folder="imaps://localhost:${t.world.ports.imaps}/"
set spoolfile="=INBOX"
set record="=Sent"
set postponed="=Drafts"
set ssl_ca_certificates_file="${t.world.caFile}"
set ssl_force_tls=yes
unset certificate_file header_cache message_cachedir
set abort_nosubject=no quit=yes delete=yes mark_old=no wait_key=no sleep_time=0
set mail_check=60 timeout=600 imap_keepalive=900
set sort=mailbox-order
set index_format="%4C %Z <%s>"
set attach_format="%n [%m/%M] <%d>"
set pager_stop=yes
`,
  );
  return file;
}

/** Runs mutt without a terminal: the text goes in, the message goes out. */
async function send(
  user: LabUser,
  to: string,
  subject: string,
  text: string,
  ...args: string[]
): Promise<void> {
  const ran = await run('mutt', ['-n', '-F', muttrc(user), '-s', subject, ...args, '--', to], {
    input: text,
  });
  assert.equal(ran.code, 0, ran.said);
}

/** mutt on a terminal, in the user's INBOX. */
const open = (user: LabUser): Terminal => Terminal.open(`mutt -n -F '${muttrc(user)}'`);

test('a message sent by smtps with a login arrives, and its copy lies in Sent', async () => {
  const picture = path.join(t.world.dataDir, 'picture.bin');
  fs.writeFileSync(picture, Buffer.from(Array.from({ length: 3000 }, (_, i) => i % 256)));
  await send(t.alice, t.bob.address, 'Grüße an Bob', 'Are you there?\n.\nFrom here\n', '-a', picture);
  const [received = ''] = await t.inbox(t.bob, 1);
  assert.match(received, /\r\nSubject: =\?[\w-]+\?[BQ]\?/);
  assert.ok(received.includes('\r\n\r\nAre you there?\r\n.\r\nFrom here\r\n'), received);
  assert.match(received, /\r\nContent-Disposition: attachment; filename="?picture\.bin"?\r\n/);

  const bob = open(t.bob);
  try {
    await bob.shows(/1 +N.*<Grüße an Bob>/);
    bob.press('\r'); // opens it
    await bob.shows(/From: alice@red\.test/, /Are you there\?/);
    bob.press('q');
    await bob.shows(/<Grüße an Bob>/);
    bob.press('v'); // its parts
    await bob.shows(/1 \[text\/plain\]/, /2 \[application\/octet-stream\] <picture\.bin>/);
    bob.press('q');
    await bob.shows(/<Grüße an Bob>/);
    bob.press('F'); // flags it
    await bob.shows(/!/);
    bob.press('q');
    assert.equal(await bob.ended, 0);
  } finally {
    bob.close();
  }

  const alice = open(t.alice);
  try {
    await alice.shows(/INBOX/);
    alice.press('c=Sent\r'); // changes to another mailbox
    await alice.shows(/1 .*<Grüße an Bob>/);
    alice.press('q');
    assert.equal(await alice.ended, 0);
  } finally {
    alice.close();
  }
});

test('a report that mail did not arrive is listed as text, delivery status and the original message', async () => {
  await send(t.alice, 'nobody@reject.test', 'To nobody', 'The original text.\n');
  await t.inbox(t.alice, 1);
  const alice = open(t.alice);
  try {
    await alice.shows(/1 +N.*<.+>/);
    alice.press('v');
    await alice.shows(
      /1 \[text\/plain\]/,
      /2 \[message\/delivery-status\]/,
      /3 \[message\/rfc822\] <Undelivered message>/,
      /4 \[text\/plain\]/,
    );
    alice.press('2\r\r'); // goes to the second part and opens it
    await alice.shows(/Final-Recipient: rfc822; ?nobody@reject\.test/, /Status: 5\.1\.1/);
    alice.press('q3\r\r');
    await alice.shows(/Subject: To nobody/, /The original text\./);
    alice.press('qq');
    await alice.shows(/INBOX/);
    alice.press('d'); // removes it
    alice.press('q');
    assert.equal(await alice.ended, 0);
    assert.equal((await t.inbox(t.alice)).length, 0);
  } finally {
    alice.close();
  }
});

test('a recipient that does not exist is refused while mutt is sending', async () => {
  const ran = await run(
    'mutt',
    ['-n', '-F', muttrc(t.alice), '-s', 'To nobody at all', '--', 'nobody@blue.test'],
    { input: 'Hello.\n' },
  );
  assert.notEqual(ran.code, 0);
  assert.match(ran.said, /5\.1\.1/);
});
