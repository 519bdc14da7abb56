import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { TRY_LATER } from '@waybill/auth-client';
import { Resolver } from '@waybill/dns';
import { type SmtpHost, startDns, startSmtpHost, testDatabase } from '@waybill/lab';
import type { SigningKey } from '@waybill/mail-auth/sign';
import { openPool } from '@waybill/postgres';
import { dkimRecord, dkimRecordName, signingSchema } from '@waybill/signing';
import { rotate } from '../src/sign/rotation.ts';
import { SigningKeys } from '../src/sign/signing-keys.ts';
import { composeReport } from '../src/return/dsn.ts';
import { parseRelay } from '../src/route/relay.ts';
import { readSignatures, type Zone } from './read-signatures.ts';
import { MESSAGE, openWorld, type World } from './stand-ins.ts';

/** What leaves for strangers: whose signatures it bears, under which return path; and what does not change. */
const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

const HOSTS = `
zone x.test
@  MX 10 mx
mx A 127.0.0.9
zone y.test
@  MX 10 mx
mx A 127.0.0.9
`;
const dns = resources.use(await startDns({ zones: HOSTS }));

interface MadeKey extends SigningKey {
  readonly publicKey: string;
}

function makeKey(selector: string, algorithm: SigningKey['algorithm'], domain = 'red.test'): MadeKey {
  const rsa = algorithm === 'rsa-sha256';
  const { privateKey } = rsa
    ? generateKeyPairSync('rsa', { modulusLength: 1024 })
    : generateKeyPairSync('ed25519');
  const spki = createPublicKey(privateKey as KeyObject).export({ type: 'spki', format: 'der' });
  return {
    domain,
    selector,
    algorithm,
    privateKey,
    publicKey: (rsa ? spki : spki.subarray(-32)).toString('base64'),
  };
}

const PAIR = [makeKey('r1', 'rsa-sha256'), makeKey('e1', 'ed25519-sha256')];
const zoneOf =
  (keys: readonly MadeKey[]): Zone =>
  (name) => {
    const key = keys.find(({ selector, domain }) => dkimRecordName(selector, domain) === name);
    return key === undefined ? undefined : dkimRecord(key.algorithm, key.publicKey);
  };
const PUBLISHED = zoneOf(PAIR);
const OURS = { of: (domain: string) => Promise.resolve(domain === 'red.test' ? PAIR : []) };

interface Setting {
  readonly world: World;
  readonly host: SmtpHost;
}

async function setting(more: Partial<Parameters<typeof openWorld>[0]> = {}): Promise<Setting> {
  const host = resources.use(await startSmtpHost({ offers: ['PIPELINING', 'SIZE 100000'] }));
  const ports = `127.0.0.9:25=127.0.0.1:${host.port}`;
  const world = openWorld({ dns: dns.address, ports, keys: OURS, ...more });
  resources.use(world.agent);
  return { world, host };
}

const RSA_AND_ED25519 = [
  { selector: 'r1', algorithm: 'rsa-sha256', domain: 'red.test', holds: true },
  { selector: 'e1', algorithm: 'ed25519-sha256', domain: 'red.test', holds: true },
];

test('what a writer of ours sends leaves under both signatures, and is otherwise as it was', async () => {
  const { world, host } = await setting();
  world.spool.add('b@x.test');
  await world.agent.runner.run('x.test');
  const { content, mail } = host.messages[0]!;
  assert.deepEqual(readSignatures(content, PUBLISHED), RSA_AND_ED25519);
  assert.ok(content.endsWith(MESSAGE.toString()));
  assert.match(mail, new RegExp(`SIZE=${content.length}$`));
  assert.match(mail, /FROM:<a@red\.test>/);
});

test('a message for several destinations is signed once', async () => {
  const { world, host } = await setting();
  const { spoolId } = world.spool.add('b@x.test');
  world.spool.add('c@y.test', { spoolId });
  await Promise.all([world.agent.runner.run('x.test'), world.agent.runner.run('y.test')]);
  assert.equal(host.messages.length, 2);
  assert.equal(host.messages[0]!.content, host.messages[1]!.content);
  assert.deepEqual(
    world.events.signatures.map(({ selectors }) => selectors),
    [['r1', 'e1']],
  );
});

test('a report of ours is signed for the domain above our host’s name', async () => {
  const report = composeReport({
    hostname: 'mta.red.test',
    sender: 'b@x.test',
    journeyId: 'id',
    envid: null,
    ret: null,
    arrivedAt: new Date(),
    now: new Date(),
    failed: [
      {
        address: 'c@red.test',
        orcpt: null,
        status: '5.1.1',
        diagnostic: '550 5.1.1 Nobody',
        mayHaveArrived: false,
      },
    ],
    original: MESSAGE,
    fullLimit: 1000,
  });
  const asked: string[] = [];
  const { world, host } = await setting({
    keys: {
      of(domain) {
        asked.push(domain);
        return Promise.resolve(PAIR);
      },
    },
  });
  world.spool.add('b@x.test', { origin: 'dsn', returnPath: '', body: report });
  await world.agent.runner.run('x.test');
  assert.deepEqual(asked, ['mta.red.test']);
  assert.deepEqual(readSignatures(host.messages[0]!.content, PUBLISHED), RSA_AND_ED25519);
  assert.match(host.messages[0]!.mail, /FROM:<>/);
});

test('a smart host gets it signed too, a foreign store as it is', async () => {
  const store = resources.use(await startSmtpHost({ protocol: 'lmtp' }));
  const host = resources.use(await startSmtpHost());
  const { world } = await setting({ relay: parseRelay(`smtp://127.0.0.1:${host.port}`) });
  world.routes.set('store.test', { ours: true, route: `lmtp://127.0.0.1:${store.port}` });
  world.spool.add('b@store.test');
  world.spool.add('c@away.test');
  await Promise.all([world.agent.runner.run('store.test'), world.agent.runner.run('away.test')]);
  assert.deepEqual(readSignatures(host.messages[0]!.content, PUBLISHED), RSA_AND_ED25519);
  assert.equal(store.messages[0]!.content, MESSAGE.toString());
});

test('From: of a domain without keys leaves unsigned, and is counted', async () => {
  const { world, host } = await setting();
  world.spool.add('b@x.test', { body: Buffer.from('From: <a@elsewhere.test>\r\n\r\nhello\r\n') });
  await world.agent.runner.run('x.test');
  assert.deepEqual(readSignatures(host.messages[0]!.content, PUBLISHED), []);
  assert.deepEqual(world.events.signatures[0]?.selectors, []);
});

test('while keys cannot be read mail waits; it does not go unsigned', async () => {
  const { world, host } = await setting({ keys: { of: () => Promise.reject(new Error('away')) } });
  world.spool.add('b@x.test');
  await world.agent.runner.run('x.test');
  assert.equal(host.messages.length, 0);
  const [result] = world.spool.results;
  assert.ok(result?.kind === 'retry' && result.delayMs < 10_000, JSON.stringify(result?.kind));
});

test('what another machine’s mta or a listed network brings is not signed, whatever From: it shows', async () => {
  const { world, host } = await setting();
  world.spool.add('b@x.test', { origin: 'msa', ours: false });
  await world.agent.runner.run('x.test');
  assert.deepEqual(readSignatures(host.messages[0]!.content, PUBLISHED), []);
});

describe('mail of strangers that an alias sends on', () => {
  const stranger = {
    origin: 'mx',
    returnPath: 'bob@away.test',
    orcpt: 'rfc822;list@red.test',
    body: Buffer.from('From: <a@red.test>\r\n\r\nhello\r\n'),
  } as const;

  test('bounces to us, and is not signed as ours whatever it says', async () => {
    const asked: object[] = [];
    const { world, host } = await setting({
      auth: {
        route: () => Promise.resolve({ ours: false, route: 'mx' }),
        resolve: () => Promise.resolve([]),
        forwardSender(request) {
          asked.push(request);
          return Promise.resolve({ sender: 'SRS0=AAAAAA=BB=away.test=bob@red.test' });
        },
      },
    });
    world.spool.add('c@x.test', stranger);
    world.spool.add('d@y.test', stranger);
    await world.agent.runner.run('x.test');
    await world.agent.runner.run('y.test');
    assert.match(host.messages[0]!.mail, /FROM:<SRS0=AAAAAA=BB=away\.test=bob@red\.test>/);
    assert.equal(host.messages[0]!.content, stranger.body.toString());
    // The answer is used again.
    assert.deepEqual(asked, [{ sender: 'bob@away.test', via: 'list@red.test' }]);
  });

  test('keeps an empty return path, and our writers keep theirs', async () => {
    const { world, host } = await setting({
      auth: {
        route: () => Promise.resolve({ ours: false, route: 'mx' }),
        resolve: () => Promise.resolve([]),
        forwardSender: () => Promise.reject(new Error('must not be asked')),
      },
    });
    world.spool.add('c@x.test', { ...stranger, returnPath: '' });
    world.spool.add('d@x.test', { orcpt: 'rfc822;list@red.test' });
    await world.agent.runner.run('x.test');
    assert.deepEqual(host.messages.map(({ mail }) => mail.split(' ')[1] ?? '').toSorted(), [
      'FROM:<>',
      'FROM:<a@red.test>',
    ]);
  });

  test('waits while auth gives no answer', async () => {
    const { world, host } = await setting({
      auth: {
        route: () => Promise.resolve({ ours: false, route: 'mx' }),
        resolve: () => Promise.resolve([]),
        forwardSender: () => Promise.resolve(TRY_LATER),
      },
    });
    world.spool.add('c@x.test', stranger);
    await world.agent.runner.run('x.test');
    assert.equal(host.messages.length, 0);
    assert.equal(world.spool.results[0]?.kind, 'retry');
  });
});

describe('rotation while mail is sent leaves no message that cannot be verified', async () => {
  const db = resources.use(await testDatabase([signingSchema]));
  const admin = resources.adopt(openPool(db.url, { size: 2 }), (pool) => pool.end());
  const pool = resources.adopt(openPool(db.urlAs('mta'), { size: 4 }), (open) => open.end());

  for (const keepMs of [0, 600_000])
    test(`also by an mta that reads keys again after ${keepMs / 1000} s`, async () => {
      await admin.query('truncate signing.dkim_key');
      const insert = (keys: readonly MadeKey[], state: string): Promise<unknown> =>
        Promise.all(
          keys.map(({ domain, selector, algorithm, publicKey, privateKey }) =>
            admin.query('insert into signing.dkim_key values ($1, $2, $3, $4, $5, $6)', [
              domain,
              selector,
              algorithm,
              publicKey,
              privateKey.export({ type: 'pkcs8', format: 'pem' }),
              state,
            ]),
          ),
        );
      const published: MadeKey[] = [];
      const publish = (keys: readonly MadeKey[]): void => {
        published.push(...keys);
        const lines = published.map(
          ({ selector, algorithm, publicKey }) =>
            `${selector}._domainkey TXT ${dkimRecord(algorithm, publicKey)
              .match(/.{1,255}/g)!
              .map((part) => `"${part}"`)
              .join(' ')}`,
        );
        dns.setZones(`${HOSTS}\nzone red.test\n${lines.join('\n')}\n`);
      };
      const turn = (): Promise<void> =>
        rotate({
          pool,
          lookTxt: (name) => new Resolver({ servers: [dns.address] }).lookup(name, 'TXT'),
          settleSeconds: 600,
          retireSeconds: 7 * 86_400,
          onMove: () => undefined,
        });
      const pass = (seconds: number): Promise<unknown> =>
        admin.query(
          `update signing.dkim_key set looked_at = looked_at - make_interval(secs => $1),
             seen_at = seen_at - make_interval(secs => $1), retiring_at = retiring_at - make_interval(secs => $1)`,
          [seconds],
        );
      const { world, host } = await setting({ keys: new SigningKeys({ pool, keepMs }) });
      let seen = 0;
      const sendSome = async (): Promise<void> => {
        for (let n = 0; n < 5; n++) world.spool.add('b@x.test');
        await world.agent.runner.run('x.test');
        assert.equal(host.messages.length, seen + 5);
        for (; seen < host.messages.length; seen++) verified(host.messages[seen]!.content);
      };
      const verified = (content: string): void => {
        const found = readSignatures(content, zoneOf(published));
        assert.equal(found.length, 2);
        assert.ok(
          found.every(({ holds }) => holds),
          JSON.stringify(found),
        );
      };

      const next = [makeKey('r2', 'rsa-sha256'), makeKey('e2', 'ed25519-sha256')];
      publish(PAIR);
      await insert(PAIR, 'active');
      await sendSome();
      await insert(next, 'pending');
      await Promise.all([turn(), sendSome()]);
      publish([next[1]!]);
      await pass(60);
      await Promise.all([turn(), sendSome()]);
      await pass(700);
      publish([next[0]!]);
      await Promise.all([turn(), sendSome()]);
      await pass(700);
      await Promise.all([turn(), sendSome()]);
      await sendSome();
      const { rows } = await admin.query<{ selector: string }>(
        `select selector from signing.dkim_key where state = 'active' order by selector`,
      );
      assert.deepEqual(rows, [{ selector: 'e2' }, { selector: 'r2' }]);
      // Whoever looks only now, as a host that was greylisting us, still finds every record.
      for (const { content } of host.messages) verified(content);
      const selectors = new Set(
        host.messages.flatMap(({ content }) =>
          readSignatures(content, PUBLISHED).map(({ selector }) => selector),
        ),
      );
      assert.deepEqual([...selectors].toSorted(), keepMs === 0 ? ['e1', 'e2', 'r1', 'r2'] : ['e1', 'r1']);
      await pass(7 * 86_400);
      await turn();
      await sendSome();
    });
});
