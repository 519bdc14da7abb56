import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, test } from 'node:test';
import { CertificateAuthority } from '@waybill/lab';
import { reply } from '../reply.ts';
import { openInnerDoor } from './inner-door.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const authority = await CertificateAuthority.create('here');
const issued = await authority.issue(['mta']);

/** What a client hears that says MAIL `times` times, all of them refused, and QUIT. */
async function refused(networks: string, times: number): Promise<string[]> {
  await using door = await openInnerDoor({
    host: '127.0.0.1',
    port: 0,
    credentials: { cert: issued.certificate, key: issued.key, ca: authority.certificate },
    networks,
    maxConnections: 10,
    engine: {
      hostname: 'mta.test',
      maxSize: 1000,
      bareLineEnds: 'refuse',
      maxRecipients: 10,
      timers: { errorDelay: 0 },
    },
    session: () => ({
      mail: () => reply(550, '5.7.1', 'Not you'),
      rcpt: () => reply(550, '5.1.1', 'Nobody'),
      message: () => Promise.resolve(reply(550, '5.6.0', 'Nothing')),
    }),
  });
  const socket = net.connect(door.port, '127.0.0.1');
  socket.setEncoding('latin1');
  let heard = '';
  socket.on('data', (text) => (heard += String(text)));
  socket.on('error', () => undefined);
  socket.write(`HELO x\r\n${'MAIL FROM:<a@b.test>\r\n'.repeat(times)}QUIT\r\n`);
  await once(socket, 'close');
  return heard.trimEnd().split('\r\n').slice(2);
}

test('a host that is not listed is not listened to for ever', async () => {
  const answers = await refused('192.0.2.0/24', 300);
  assert.match(answers.at(-1) ?? '', /^421 /);
  assert.ok(answers.length <= 102, `${answers.length} answers`);
});

test('a listed one may be refused often: that is its users’ mail', async () => {
  const answers = await refused('127.0.0.1', 300);
  assert.equal(answers.length, 301);
  assert.match(answers.at(-1) ?? '', /^221 /);
});
