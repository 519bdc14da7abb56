import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CertificateAuthority } from '@waybill/lab';
import { type HandedMessage, Handoff, type TlsCredentials } from '@waybill/smtp/client';
import type { InnerDoor } from '@waybill/smtp/server';
import { newSpoolId, type SpoolAcceptOnce } from '@waybill/spool';
import { openDoor } from '../src/door/door.ts';
import type { DoorEvents } from '../src/door/events.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const authority = await CertificateAuthority.create('here');

async function certificate(
  name: string,
): Promise<TlsCredentials & { ca: string; cert: string; key: string }> {
  const issued = await authority.issue([name]);
  return { ca: authority.certificate, cert: issued.certificate, key: issued.key };
}

const ANN = {
  status: 'mailbox',
  account: { accountId: '5', address: 'ann@local.test', quotaBytes: 0, quotaMessages: 0 },
  route: 'local',
} as const;
const said: string[] = [];
const events: DoorEvents = {
  accepted: () => said.push('accepted'),
  repeated: () => said.push('repeated'),
  notKept: (_id, _peer, error) => said.push(`not kept: ${(error as Error).message}`),
  messageRefused: () => said.push('refused'),
  recipientRefused: () => said.push('recipient refused'),
  stranger: () => said.push('stranger'),
  transcript: () => undefined,
  connectionRefused: () => undefined,
  sessionError: (error) => said.push(`bug: ${(error as Error).message}`),
};

const message = (...to: string[]): HandedMessage => ({
  id: newSpoolId(),
  returnPath: 'alice@red.test',
  recipients: to.map((address) => ({ address, notify: 0 })),
  message: Buffer.from('Subject: x\r\n\r\nx\r\n'),
  smtputf8: false,
});

/** A door over a spool that does as a test says; nobody but ann is known. */
async function stubDoor(spool: SpoolAcceptOnce): Promise<InnerDoor> {
  return resources.use(
    await openDoor({
      host: '127.0.0.1',
      port: 0,
      credentials: await certificate('mta'),
      networks: '',
      maxConnections: 10,
      maxMessageBytes: 1_000_000,
      bodiesInFlight: 10_000_000,
      transcripts: 'failures',
      session: {
        hostname: 'mta.there.test',
        auth: {
          resolveOne: (address) =>
            Promise.resolve(address === 'ann@local.test' ? ANN : { status: 'unknown' as const }),
          route: () => Promise.resolve({ ours: true, route: 'local' }),
        },
        spool,
        kicker: { kick: () => undefined },
        events,
      },
    }),
  );
}

test('without the commit there is no 250', async () => {
  const before = said.length;
  const away = (): Promise<never> => Promise.reject(new Error('the database is away'));
  const closed = await stubDoor({ accept: away, acceptOnce: away, has: () => Promise.resolve(false) });
  const handoff = new Handoff({
    hop: { places: `127.0.0.1:${closed.port}`, kind: 'agent' },
    helloName: 'msa.here.test',
    credentials: await certificate('msa'),
  });
  resources.defer(() => handoff.close());
  const handed = await handoff.hand(message('ann@local.test'));
  assert.deepEqual(handed.kind === 'refused' && [handed.reply.code, handed.reply.enhanced], [451, '4.3.0']);
  assert.match(said.slice(before).join(), /not kept/);
});

test('who is known from an earlier time is known with all: nothing is stored for the others alone', async () => {
  let stored = 0;
  const store = (): Promise<never> => {
    stored++;
    return Promise.reject(new Error('a part of the message'));
  };
  // The row is there when RCPT is answered, and swept before the final dot.
  const swept = await stubDoor({ accept: store, acceptOnce: store, has: () => Promise.resolve(true) });
  const handoff = new Handoff({
    hop: { places: `127.0.0.1:${swept.port}`, kind: 'agent' },
    helloName: 'msa.here.test',
    credentials: await certificate('msa'),
  });
  resources.defer(() => handoff.close());
  const handed = await handoff.hand(message('ann@local.test', 'who@local.test'));
  assert.equal(handed.kind, 'taken');
  assert.equal(stored, 0);
});
