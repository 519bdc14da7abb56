import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { TestWorld } from '../journeys/a-world.ts';
import { needs, run } from './programs.ts';

/** Clients that know SCRAM-SHA-256, told to take nothing else: mutt (by GNU SASL) sends, mbsync (by Cyrus SASL) reads. */
needs(import.meta.filename);
const lines: string[] = [];
const t = await TestWorld.start({ onLine: (line) => void lines.push(line) });
after(() => t[Symbol.asyncDispose]());

/** How often an agent's log tells of a login by SCRAM. */
const logins = (agent: string): number =>
  lines.filter((line) => line.startsWith(agent) && line.includes('"mechanism":"SCRAM-SHA-256"')).length;

test('mutt sends by SCRAM, and keeps its copy by SCRAM', async () => {
  const file = path.join(t.world.dataDir, 'scram.muttrc');
  const name = t.alice.address.replace('@', '%40');
  fs.writeFileSync(
    file,
    `set from="${t.alice.address}" use_from=yes
set smtp_url="smtps://${name}@localhost:${t.world.ports.msas}/" smtp_pass="${t.alice.password}"
set smtp_authenticators="scram-sha-256"
set imap_user="${t.alice.address}" imap_pass="${t.alice.password}"
set imap_authenticators="scram-sha-256"
set folder="imaps://localhost:${t.world.ports.imaps}/" spoolfile="=INBOX" record="=Sent"
set ssl_ca_certificates_file="${t.world.caFile}"
unset certificate_file
`,
  );
  const ran = await run('mutt', ['-n', '-F', file, '-s', 'by scram', '--', t.bob.address], { input: 'Hi\n' });
  assert.equal(ran.code, 0, ran.said);
  const [received = ''] = await t.inbox(t.bob, 1);
  assert.match(received, /\r\nSubject: by scram\r\n/);
  assert.equal(logins('msa'), 1, ran.said);
  assert.ok(logins('mra') >= 1, ran.said);
});

test('mbsync reads by SCRAM', async () => {
  const before = logins('mra');
  const maildir = path.join(t.world.dataDir, 'scram-mail');
  fs.mkdirSync(maildir);
  const config = path.join(t.world.dataDir, 'scram.mbsyncrc');
  fs.writeFileSync(
    config,
    `IMAPAccount waybill
Host localhost
Port ${t.world.ports.imaps}
User ${t.bob.address}
Pass "${t.bob.password}"
AuthMechs SCRAM-SHA-256
SSLType IMAPS
CertificateFile ${t.world.caFile}

IMAPStore account
Account waybill

MaildirStore local
Path ${maildir}/
Inbox ${maildir}/INBOX

Channel all
Far :account:
Near :local:
Create Near
SyncState *
`,
  );
  const ran = await run('mbsync', ['-c', config, '-a']);
  assert.equal(ran.code, 0, ran.said);
  const [file = ''] = fs.readdirSync(path.join(maildir, 'INBOX', 'new'));
  assert.match(fs.readFileSync(path.join(maildir, 'INBOX', 'new', file), 'utf8'), /^Subject: by scram$/m);
  assert.equal(logins('mra'), before + 1);
});
