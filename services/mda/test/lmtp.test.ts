import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';

import { CertificateAuthority, type Issued } from '@waybill/lab';
import { type Listener, TlsContexts } from '@waybill/listener';
import { type OpenOptions, type RecipientOutcome, SmtpConnection } from '@waybill/smtp/client';
import { openDoor } from '../src/door.ts';
import { type Bed, fromMta, openBed } from './bed.ts';

let bed: Bed;
let door: Listener;
let authority: CertificateAuthority;

before(async () => {
  [bed, authority] = await Promise.all([openBed(), CertificateAuthority.create('test')]);
  const own = await authority.issue(['mda'], ['127.0.0.1']);
  door = await openDoor({
    host: '127.0.0.1',
    port: 0,
    hostname: 'mda.test',
    tls: new TlsContexts({ cert: own.certificate, key: own.key, ca: authority.certificate }),
    maxMessageBytes: 1024 * 1024,
    session: bed.options,
  });
});
after(async () => {
  await door.drain(1000);
  await bed[Symbol.asyncDispose]();
});

async function open(agent: Issued | undefined): Promise<SmtpConnection> {
  const options: OpenOptions = {
    host: '127.0.0.1',
    port: door.port,
    name: 'mda',
    protocol: 'lmtp',
    helloName: 'mta.test',
    tls: 'required',
    verify: true,
    credentials: {
      ca: authority.certificate,
      ...(agent === undefined ? {} : { cert: agent.certificate, key: agent.key }),
    },
  };
  const result = await SmtpConnection.open(options);
  assert.equal(result.kind, 'open', JSON.stringify(result));
  return (result as { connection: SmtpConnection }).connection;
}

const said = (outcomes: readonly RecipientOutcome[]): string[] =>
  outcomes.map((outcome) =>
    outcome.kind === 'replied'
      ? `${outcome.phase} ${outcome.reply.code} ${outcome.reply.enhanced}`
      : outcome.kind,
  );

const letter = (body: string) => ({
  from: 'alice@red.test',
  parameters: { smtputf8: false },
  body: Buffer.from(body),
});

test('the mta delivers to many and hears of each, in order', async () => {
  const connection = await open(await authority.issue(['mta']));
  const twice = fromMta('2');
  const outcomes = await connection.send({
    ...letter('Subject: x\r\n\r\n.dot\r\n'),
    recipients: [
      { address: 'u1@blue.test', parameters: fromMta('1') },
      { address: 'nobody@blue.test', parameters: fromMta('9') },
      { address: 'u2@blue.test', parameters: twice },
      { address: 'u2@blue.test', parameters: twice },
    ],
  });
  assert.deepEqual(said(outcomes), [
    'message 250 2.0.0',
    'rcpt 550 5.1.1',
    'message 250 2.0.0',
    'message 250 2.1.5',
  ]);
  connection.retire();
  const rows = await bed.rows();
  assert.deepEqual(
    rows.map((row) => [row.account, row.body]),
    [
      ['1', 'Subject: x\r\n\r\n.dot\r\n'],
      ['2', 'Subject: x\r\n\r\n.dot\r\n'],
    ],
  );
});

test('a certificate of another agent, or none, opens nothing', async () => {
  for (const agent of [await authority.issue(['msa']), undefined]) {
    const connection = await open(agent);
    const outcomes = await connection.send({ ...letter('\r\n'), recipients: [{ address: 'u3@blue.test' }] });
    assert.deepEqual(said(outcomes), ['mail 450 4.7.1']);
    connection.retire();
  }
});

test('in clear, and with a private parameter, nothing is taken', async () => {
  const socket = net.connect(door.port, '127.0.0.1');
  let heard = '';
  socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
  socket.write('LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<u3@blue.test> XACCOUNT=3\r\nQUIT\r\n');
  await once(socket, 'close');
  assert.doesNotMatch(heard, /XWAYBILL/);
  assert.match(heard, /\r\n530 5\.7\.0 /);
  assert.doesNotMatch(heard, /\r\n250 2\.1\.5/);
});

test('a message over the limit is refused and nothing is stored', async () => {
  const before = (await bed.rows()).length;
  const connection = await open(await authority.issue(['mta']));
  const outcomes = await connection.send({
    ...letter(`Subject: x\r\n\r\n${'y'.repeat(1024 * 1024)}\r\n`),
    recipients: [{ address: 'u1@blue.test', parameters: fromMta('1') }],
  });
  assert.equal(said(outcomes)[0]?.endsWith('5.3.4') || outcomes[0]?.kind === 'unsuitable', true);
  assert.equal((await bed.rows()).length, before);
  connection.retire();
});
