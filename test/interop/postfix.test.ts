import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { freePort, startSmtpHost, temporaryFolder } from '@waybill/lab';
import { findPrograms } from '../../bench/peers/programs.ts';
import { startPostfix } from '../../bench/peers/postfix.ts';
import { DOMAIN } from '../../bench/peers/target.ts';
import { message, TestWorld } from '../journeys/a-world.ts';
import { needs, run } from './programs.ts';

/** A stock Postfix as the next machine of msa, and as the machine before mta's inner door. */
needs(import.meta.filename);
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const folder = temporaryFolder();
resources.defer(() => fs.rmSync(folder, { recursive: true, force: true }));
// Postfix's own account looks into it.
fs.chmodSync(folder, 0o755);
const store = resources.use(await startSmtpHost({ protocol: 'lmtp' }));
const door = await freePort();
const postfix = resources.use(
  await startPostfix({
    program: findPrograms().postfix ?? 'postfix',
    folder,
    certificate: '',
    key: '',
    users: [`ann@${DOMAIN}`, `ben@${DOMAIN}`],
    lmtpPort: store.port,
    sinkPort: door,
    saslSocket: path.join(folder, 'no-sasl'),
  }),
);
const t = resources.use(
  await TestWorld.start({
    extra: {
      msa: { WAYBILL_HANDOFF: `smtp://127.0.0.1:${postfix.ports.mx}?foreign` },
      mta: {
        WAYBILL_LISTEN_HOST: '127.0.0.1',
        WAYBILL_MTA_PORT: String(door),
        WAYBILL_MTA_NETWORKS: '127.0.0.1/32',
      },
    },
  }).catch(async (error: unknown) => {
    // No test will begin then, and nothing else stop Postfix.
    await resources.disposeAsync();
    throw error;
  }),
);

test('postfix: msa hands over to it, octet for octet, and its queue id joins the journey', async () => {
  const text = message(
    { From: t.alice.address, To: `ann@${DOMAIN}`, Subject: 'on', 'Message-ID': '<to-postfix@red.test>' },
    'ä\n.dot\n  end ',
  );
  const refused = await t.send(
    t.submission(t.alice),
    t.alice.address,
    `ann@${DOMAIN}`,
    text.replaceAll(/^\./gm, '..'),
  );
  assert.equal(refused, undefined);
  await store.until(({ messages }) => messages.length === 1);
  const [filed] = store.messages;
  assert.match(filed?.content ?? '', /\r\n\r\nä\r\n\.dot\r\n {2}end \r\n$/);
  assert.match(filed?.content ?? '', /^Received: from msa\.red\.test /m);
  const view = await t.journey('<to-postfix@red.test>', (one) =>
    one.recipients.some(({ state }) => state === 'handed on'),
  );
  const step = view.steps.find(({ kind }) => kind === 'handed.on');
  assert.match(step?.summary ?? '', new RegExp(`queued as ${step?.nextId ?? '-'}`));
});

test('postfix: whom it does not know is refused to the writer', async () => {
  const to = `nobody@${DOMAIN}`;
  const text = message({ From: t.alice.address, To: to, 'Message-ID': '<nobody@red.test>' });
  assert.match(
    (await t.send(t.submission(t.alice), t.alice.address, to, text)) ?? '',
    /^550 5\.1\.1 .*nobody/,
  );
});

test('postfix: a listed host, it hands to mta’s inner door without a certificate', async () => {
  const sent = await run('/usr/sbin/sendmail', ['-f', 'root@far.test', t.bob.address], {
    input: `From: root@far.test\nTo: ${t.bob.address}\nSubject: cron\nMessage-ID: <cron@far.test>\n\nDone.\n`,
    env: { MAIL_CONFIG: path.join(folder, 'etc') },
  });
  assert.equal(sent.code, 0, sent.said);
  const [received = ''] = await t.inbox(t.bob, 1);
  assert.match(received, /^Return-Path: <root@far\.test>\r\n/);
  assert.match(received, /\r\n\r\nDone\.\r\n$/);
});
