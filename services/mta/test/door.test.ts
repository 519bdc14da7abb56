import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { after, test } from 'node:test';
import type { Account, Resolution } from '@waybill/auth-client';
import { blobstoreSchema, openBlobstore } from '@waybill/blobstore';
import { CertificateAuthority, playTranscript, testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { type Handed, type HandedMessage, Handoff, type TlsCredentials } from '@waybill/smtp/client';
import type { InnerDoor } from '@waybill/smtp/server';
import { localDestination, newSpoolId, spoolSchema } from '@waybill/spool';
import { openSpoolAccept } from '@waybill/spool/accept';
import { openDoor } from '../src/door/door.ts';
import type { DoorEvents } from '../src/door/events.ts';
import { AgentSender } from '../src/deliver/over-agents.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const db = resources.use(await testDatabase([blobstoreSchema, spoolSchema]));
const pool = resources.adopt(openPool(db.urlAs('mta'), { size: 4 }), (open) => open.end());
const authority = await CertificateAuthority.create('here');
const stranger = await CertificateAuthority.create('elsewhere');

async function certificate(
  name: string,
  by = authority,
): Promise<TlsCredentials & { ca: string; cert: string; key: string }> {
  const issued = await by.issue([name], ['127.0.0.1']);
  return { ca: authority.certificate, cert: issued.certificate, key: issued.key };
}

const account = (accountId: string): Account => ({
  accountId,
  address: `u${accountId}@x.test`,
  quotaBytes: 0,
  quotaMessages: 0,
});
const ann = account('5');
const bob = account('6');
const DIRECTORY = new Map<string, Resolution>([
  ['ann@local.test', { status: 'mailbox', account: ann, route: 'local' }],
  ['bob@mx.test', { status: 'mailbox', account: bob, route: 'mx' }],
  [
    'all@local.test',
    {
      status: 'alias',
      route: 'local',
      targets: [
        { address: 'ann@local.test', account: ann },
        { address: 'bob@mx.test', account: bob },
        { address: 'guest@else.test' },
      ],
    },
  ],
  ['who@local.test', { status: 'unknown' }],
]);
let directoryAway = false;
const said: string[] = [];
const events: DoorEvents = {
  accepted: () => said.push('accepted'),
  repeated: () => said.push('repeated'),
  notKept: (_id, _peer, error) => said.push(`not kept: ${(error as Error).message}`),
  messageRefused: (_id, _from, _peer, answer) => said.push(`refused ${answer.enhanced}`),
  recipientRefused: (_id, recipient, _peer, answer) => said.push(`${recipient} ${answer.enhanced}`),
  stranger: () => said.push('stranger'),
  transcript: () => undefined,
  connectionRefused: () => undefined,
  sessionError: (error) => said.push(`bug: ${(error as Error).message}`),
};
const kicks: string[] = [];

async function door(networks = ''): Promise<InnerDoor> {
  return resources.use(
    await openDoor({
      host: '127.0.0.1',
      port: 0,
      credentials: await certificate('mta'),
      networks,
      maxConnections: 100,
      maxMessageBytes: 1_000_000,
      bodiesInFlight: 10_000_000,
      transcripts: 'failures',
      session: {
        hostname: 'mta.there.test',
        auth: {
          resolveOne: (address) =>
            Promise.resolve(
              directoryAway
                ? { status: 'try-later' as const }
                : (DIRECTORY.get(address) ?? { status: 'not-ours' as const }),
            ),
          route: (domain) => Promise.resolve({ ours: true, route: domain === 'local.test' ? 'local' : 'mx' }),
        },
        spool: openSpoolAccept(pool, openBlobstore(pool)),
        kicker: { kick: (destination) => void kicks.push(destination) },
        events,
      },
    }),
  );
}
const open = await door();

const message = (id: string, ...to: string[]): HandedMessage => ({
  id,
  returnPath: 'alice@red.test',
  recipients: to.map((address) => ({ address, notify: 0 })),
  message: Buffer.from('Message-ID: <m@red.test>\r\n\r\nhello\r\n'),
  smtputf8: false,
});

async function handAs(agent: string, to: HandedMessage, by = authority): Promise<Handed> {
  const handoff = new Handoff({
    hop: { places: `127.0.0.1:${open.port}`, kind: 'agent' },
    helloName: `${agent}.here.test`,
    credentials: await certificate(agent, by),
  });
  try {
    return await handoff.hand(to);
  } finally {
    handoff.close();
  }
}

interface Row {
  readonly address: string;
  readonly destination: string;
  readonly account: string | null;
  readonly delivery: string;
  readonly origin: number;
  readonly body: string;
}

async function rowsOf(id: string): Promise<Row[]> {
  const { rows } = await pool.query<Row & { body: Buffer }>(
    `select address, destination, account_id::text as account, delivery_id as delivery, origin, body
       from spool.msg join spool.rcpt using (spool_id) where spool_id = $1 order by rcpt_no`,
    [id],
  );
  return rows.map((row) => ({ ...row, body: row.body.toString() }));
}

const placesOf = async (id: string): Promise<string[]> =>
  (await rowsOf(id)).map(({ address, destination }) => `${address} ${destination}`);

test('msa hands over: kept under its id, one trace field, each recipient where our own directory says', async () => {
  const id = newSpoolId();
  const handed = await handAs('msa', message(id, 'all@local.test', 'bob@mx.test', 'x@else.test'));
  assert.equal(handed.kind === 'taken' && handed.reply.lines[0], `queued as ${id}`);
  assert.deepEqual(await placesOf(id), [
    `ann@local.test ${localDestination('5')}`,
    'bob@mx.test mx.test',
    'guest@else.test else.test',
    'x@else.test else.test',
  ]);
  const [row] = await rowsOf(id);
  const [trace = ''] = /^Received: (?:.*\r\n[ \t])*.*\r\n/.exec(row?.body ?? '') ?? [];
  for (const part of ['from msa.here.test', 'by mta.there.test', 'with ESMTPS', `id ${id}`])
    assert.ok(trace.replaceAll(/\s+/g, ' ').includes(part), `${part} in ${trace}`);
  assert.equal(row?.body.slice(trace.length), 'Message-ID: <m@red.test>\r\n\r\nhello\r\n');
  assert.ok(kicks.includes('mx.test'));
});

test('what mx brings is delivered here whatever the route, and to strangers never', async () => {
  const id = newSpoolId();
  assert.equal((await handAs('mx', message(id, 'bob@mx.test'))).kind, 'taken');
  assert.deepEqual(await placesOf(id), [`bob@mx.test ${localDestination('6')}`]);
  const refused = await handAs('mx', message(newSpoolId(), 'x@else.test'));
  assert.equal(refused.kind === 'refused' && refused.reply.enhanced, '5.7.1');
});

test('the same id again is the same message, also when it comes twice at once', async () => {
  const id = newSpoolId();
  const both = await Promise.all([1, 2].map(() => handAs('msa', message(id, 'ann@local.test'))));
  assert.deepEqual(
    both.map(({ kind }) => kind),
    ['taken', 'taken'],
  );
  assert.equal((await handAs('msa', message(id, 'ann@local.test'))).kind, 'taken');
  assert.equal((await rowsOf(id)).length, 1);
});

test('a repeat is answered though the directory is away, or would refuse it by now', async () => {
  const id = newSpoolId();
  await handAs('msa', message(id, 'ann@local.test'));
  directoryAway = true;
  try {
    assert.equal((await handAs('msa', message(id, 'ann@local.test'))).kind, 'taken');
    const other = await handAs('msa', message(newSpoolId(), 'ann@local.test'));
    assert.equal(other.kind === 'refused' && other.reply.code, 451);
  } finally {
    directoryAway = false;
  }
  assert.equal((await rowsOf(id)).length, 1);
});

test('one unknown recipient, and nobody gets it', async () => {
  const id = newSpoolId();
  const handed = await handAs('msa', message(id, 'ann@local.test', 'who@local.test'));
  assert.deepEqual(handed.kind === 'refused' && [handed.reply.code, handed.reply.enhanced], [550, '5.1.1']);
  assert.deepEqual(await rowsOf(id), []);
});

test('never an open relay: other agents, other authorities and strangers in clear are refused at MAIL', async () => {
  for (const [agent, by] of [
    ['mda', authority],
    ['msa', stranger],
  ] as const) {
    const handed = await handAs(agent, message(newSpoolId(), 'x@else.test'), by);
    // To the writer that is a hop that has to be mended, not a refusal of the message.
    assert.deepEqual(handed.kind === 'refused' && [handed.reply.code, handed.said.slice(0, 9)], [
      451,
      '550 5.7.1',
    ]);
  }
  await playTranscript(
    `
    S: 220 ...
    C: EHLO client.test
    S: 250-mta.there.test
    S: 250-PIPELINING
    S: 250-SIZE 1000000
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-ENHANCEDSTATUSCODES
    S: 250-CHUNKING
    S: 250-DSN
    S: 250 STARTTLS
    C: AUTH PLAIN AGEAYg==
    S: 5...
    C: MAIL FROM:<a@red.test>
    S: 550 5.7.1 ...
    C: QUIT
    S: 221 ...`,
    { connect: () => net.connect(open.port, '127.0.0.1') },
  );
});

test('a listed host may send to anybody, without a certificate; it names no ids', async () => {
  const listed = await door('192.0.2.0/24, 127.0.0.1');
  await playTranscript(
    `
    S: 220 ...
    C: EHLO postfix.test
    S: ...
    S: 250 STARTTLS
    C: MAIL FROM:<a@red.test> XJOURNEY=${newSpoolId()}
    S: 555 5.5.4 ...
    C: MAIL FROM:<a@red.test>
    S: 250 2.1.0 ...
    C: RCPT TO:<x@else.test>
    S: 250 2.1.5 ...
    C: DATA
    S: 354 ...
    C: Subject: x
    C:
    C: x
    C: .
    S: 250 2.0.0 queued as ...
    C: QUIT
    S: 221 ...`,
    { connect: () => net.connect(listed.port, '127.0.0.1') },
  );
});

test('another mta hands over some recipients at a time: each time a message, each delivery keeps its name', async () => {
  const sender = new AgentSender({
    helloName: 'mta.here.test',
    connections: 2,
    credentials: (
      (own) => () =>
        own
    )(await certificate('mta')),
  });
  resources.defer(() => sender.close());
  const spoolId = newSpoolId();
  const relay = {
    kind: 'agent',
    name: 'there',
    hop: { places: `127.0.0.1:${open.port}`, kind: 'agent' },
  } as const;
  const hand = async (...deliveries: (readonly [address: string, deliveryId: string])[]): Promise<string> => {
    const { outcomes } = await sender.hand(
      {
        from: 'alice@red.test',
        parameters: { smtputf8: false },
        recipients: deliveries.map(([address, deliveryId]) => ({
          address,
          // Another machine's account: nobody's here.
          parameters: { deliveryId, journeyId: spoolId, accountId: '99' },
        })),
        body: Buffer.from('Subject: x\r\n\r\nx\r\n'),
        beforeDot: () => Promise.resolve(true),
      },
      relay,
    );
    const [outcome] = outcomes;
    assert.ok(outcome?.kind === 'replied' && outcome.reply.code === 250, JSON.stringify(outcomes));
    return outcome.reply.lines[0]?.slice('queued as '.length) ?? '';
  };
  const [a, b] = [randomUUID(), randomUUID()];
  const first = await hand(['ann@local.test', a]);
  const second = await hand(['all@local.test', b]);
  assert.equal(await hand(['ann@local.test', a]), first, 'the same recipients are the same message');
  assert.notEqual(first, second);
  assert.notEqual(first, spoolId);
  const rows = await rowsOf(first);
  assert.deepEqual(
    rows.map(({ account: id, delivery }) => [id, delivery]),
    [['5', a]],
  );
  const expanded = (await rowsOf(second)).map(({ delivery }) => delivery);
  assert.equal(new Set([...expanded, b]).size, 4, 'an alias’s deliveries have names of their own');
  const together = await hand(['ann@local.test', a], ['all@local.test', b]);
  assert.ok(![first, second].includes(together));
  assert.deepEqual(
    (await rowsOf(together)).map(({ delivery }) => delivery).slice(1),
    expanded.slice(1),
    'that follow from its name',
  );
});

test('to an mta whose certificate is not known the mail waits', async () => {
  const sender = new AgentSender({
    helloName: 'mta.here.test',
    connections: 1,
    credentials: (
      (own) => () =>
        own
    )(await certificate('mta', stranger)),
  });
  resources.defer(() => sender.close());
  const { outcomes } = await sender.hand(
    {
      from: '',
      parameters: { smtputf8: false },
      recipients: [{ address: 'ann@local.test' }],
      body: Buffer.from('x\r\n'),
    },
    { kind: 'agent', name: 'there', hop: { places: `127.0.0.1:${open.port}`, kind: 'agent' } },
  );
  const [outcome] = outcomes;
  assert.deepEqual(outcome?.kind === 'replied' && [outcome.phase, outcome.reply.enhanced], [
    'hello',
    '5.7.1',
  ]);
});

test('a message that has been through fifty hosts goes no further', async () => {
  const looping = {
    ...message(newSpoolId(), 'ann@local.test'),
    message: Buffer.from(
      `${'Received: from a by b; Tue, 1 Jan 2030 00:00:00 +0000\r\n'.repeat(50)}\r\nx\r\n`,
    ),
  };
  const handed = await handAs('msa', looping);
  assert.deepEqual(handed.kind === 'refused' && [handed.reply.code, handed.reply.enhanced], [554, '5.4.6']);
});
