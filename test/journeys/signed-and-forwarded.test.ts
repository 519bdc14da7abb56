import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { startSmtpHost } from '@waybill/lab';
import { readSignatures } from '../../services/mta/test/read-signatures.ts';
import { message, TestWorld } from './a-world.ts';

/** What the outside world sees of us: signatures that its verifiers find good, and return paths that lead back. */
const outside = await startSmtpHost();
after(() => outside[Symbol.asyncDispose]());
const t = await TestWorld.start({
  zones: 'zone far.test\n@ MX 10 mx\nmx A 127.0.4.9\n@ TXT "v=spf1 ip4:127.0.0.1 -all"',
  outside: [{ address: '127.0.4.9', port: outside.port }],
});
after(() => t[Symbol.asyncDispose]());

const { keys } = await t.world.directory.call('domains/dkim', { name: 'red.test' });
const zone = (name: string): string | undefined => keys.find((key) => key.name === name)?.record;
const received = async (count: number): Promise<(typeof outside.messages)[number]> => {
  await outside.until(({ messages }) => messages.length >= count);
  return outside.messages[count - 1]!;
};
const verified = (content: string): string[] =>
  readSignatures(content, zone).map(({ algorithm, domain, holds }) => `${algorithm} ${domain} ${holds}`);
const BOTH = ['rsa-sha256 red.test true', 'ed25519-sha256 red.test true'];

test('what a writer submits is signed by both keys of a domain that was just added', async () => {
  const refused = await t.send(
    t.submission(t.alice),
    t.alice.address,
    'carol@far.test',
    message({
      From: 'alice@red.test',
      To: 'carol@far.test',
      Subject: 'signed',
      'Message-ID': '<s@red.test>',
    }),
  );
  assert.equal(refused, undefined);
  assert.deepEqual(verified((await received(1)).content), BOTH);
  const view = await t.journey('<s@red.test>', (one) => one.steps.some(({ kind }) => kind === 'sign.dkim'));
  assert.match(
    view.steps.find(({ kind }) => kind === 'sign.dkim')!.summary,
    /^signed for red\.test: wb\d{6}r, wb\d{6}e$/,
  );
});

test('an alias that leads outside: the writer’s return path is sealed in ours, and a bounce finds the writer', async () => {
  await t.world.addAlias('away@red.test', ['dave@far.test']);
  const letter = message({ From: 'Zoe@far.test', To: 'away@red.test', 'Message-ID': '<f@far.test>' });
  assert.equal(await t.send(t.mx, 'Zoe@far.test', 'away@red.test', letter), undefined);
  const passedOn = await received(2);
  assert.deepEqual(verified(passedOn.content), []);
  const sender = /FROM:<(SRS0=[^>]+@red\.test)>/.exec(passedOn.mail)?.[1];
  assert.ok(sender, passedOn.mail);

  const view = await t.journey('<f@far.test>', (one) => one.steps.some(({ kind }) => kind === 'return.path'));
  assert.equal(
    view.steps.find(({ kind }) => kind === 'return.path')!.summary,
    `goes on for <Zoe@far.test> as <${sender}>: bounces come back here`,
  );

  const bounce = message(
    { From: 'MAILER-DAEMON@far.test', 'Message-ID': '<b@far.test>' },
    'Could not be delivered.',
  );
  assert.equal(await t.send(t.mx, '', sender.toLowerCase(), bounce), undefined);
  const home = await received(3);
  assert.deepEqual(
    home.rcpts.map((line) => line.split(' ')[1]),
    ['TO:<zoe@far.test>'],
  );
  assert.match(home.mail, /FROM:<>/);

  const forged = sender.replace(/zoe@/i, 'eve@');
  assert.match((await t.send(t.mx, '', forged, bounce)) ?? '', /^550 5\.1\.1 /);
});

test('a report of ours that goes outside is signed too', async () => {
  await t.world.addAlias('gone@red.test', ['nobody@reject.test']);
  const letter = message({ From: 'zoe@far.test', To: 'gone@red.test', 'Message-ID': '<g@far.test>' });
  assert.equal(await t.send(t.mx, 'zoe@far.test', 'gone@red.test', letter), undefined);
  const report = await received(4);
  assert.match(report.mail, /FROM:<>/);
  assert.match(report.content, /Content-Type: multipart\/report/);
  assert.deepEqual(verified(report.content), BOTH);
});
