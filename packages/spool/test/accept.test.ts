import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import test, { after } from 'node:test';
import { openBlobstore } from '@waybill/blobstore';
import { openPool } from '@waybill/postgres';
import { openSpoolAccept } from '../src/accept.ts';
import { draft, openBed, recipient } from './spool-bed.ts';

const bed = await openBed();
after(() => bed[Symbol.asyncDispose]());

test('a message is there, whole, with all its recipients when accept resolves', async () => {
  const item = draft({
    origin: 'msa',
    message: randomBytes(5000),
    envid: 'QQ314159',
    ret: 'HDRS',
    smtputf8: true,
    hops: 3,
    authAccount: '7',
    clientInfo: { address: '192.0.2.1', helo: 'nul\0and\uD800half' },
    recipients: [
      recipient({ address: '"a b\\"c"@blue.test', orcpt: 'rfc822;x+20y@z', notify: 6 }),
      recipient({ address: 'eve@red.test', destination: 'local/3', accountId: '9007199254740993' }),
    ],
  });
  await bed.accept.accept(item);
  const { rows } = await bed.admin.query('select * from spool.msg where spool_id = $1', [item.id]);
  const row = rows[0];
  assert.deepEqual(row.body, item.message);
  assert.deepEqual(
    [row.origin, row.return_path, row.envid, row.ret, row.smtputf8, row.hops, row.auth_account, row.size],
    [2, 'alice@red.test', 'QQ314159', 'HDRS', true, 3, '7', '5000'],
  );
  assert.equal(row.client_info.helo, 'nul\uFFFDand\uFFFDhalf');
  assert.equal(Math.round((row.expires_at - row.accepted_at) / 3600_000), 120);
  const recipients = await bed.admin.query('select * from spool.rcpt where spool_id = $1 order by rcpt_no', [
    item.id,
  ]);
  assert.deepEqual(
    recipients.rows.map((r) => [r.address, r.orcpt, r.notify, r.destination, r.account_id, r.state]),
    [
      ['"a b\\"c"@blue.test', 'rfc822;x+20y@z', 6, 'blue.test', null, 0],
      ['eve@red.test', null, 0, 'local/3', '9007199254740993', 0],
    ],
  );
});

test('many at once are all accepted; one bad draft among them hurts nobody else', async () => {
  const good = Array.from({ length: 60 }, () => draft());
  const bad = draft({ recipients: [recipient({ accountId: 'not a number' })] });
  const results = await Promise.allSettled(
    [...good.slice(0, 30), bad, ...good.slice(30)].map((each) => bed.accept.accept(each)),
  );
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 60);
  assert.equal(results[30]?.status, 'rejected');
  const { rows } = await bed.admin.query(
    `select count(*)::int as n from spool.msg join spool.rcpt using (spool_id) where spool_id = any($1)`,
    [good.map((each) => each.id)],
  );
  assert.equal(rows[0].n, 60);
});

test('a draft without recipients is refused: nobody would own it', async () => {
  await assert.rejects(bed.accept.accept(draft({ recipients: [] })), /no recipients/);
});

test('a message above the inline limit lies in the blobstore, once', async () => {
  const message = randomBytes(32 * 1024 + 1);
  const [first, second] = [draft({ message }), draft({ message })];
  await bed.accept.accept(first);
  await bed.accept.accept(second);
  const { rows } = await bed.admin.query(
    'select body, blob_key, size::int from spool.msg where spool_id = any($1)',
    [[first.id, second.id]],
  );
  assert.equal(rows.length, 2);
  assert.ok(rows.every((row) => row.body === null && row.size === message.length));
  assert.equal(rows[0].blob_key, rows[1].blob_key);
  assert.deepEqual(await openBlobstore(bed.mta).get(rows[0].blob_key), message);
  assert.equal((await bed.admin.query('select from blobstore.blob')).rowCount, 1);
});

test('two addresses of one mailbox are one delivery; a report keeps its delivery ids', async () => {
  const item = draft({
    recipients: ['a@red.test', 'b@red.test'].map((address) =>
      recipient({ address, accountId: '12', destination: 'local/0' }),
    ),
  });
  await bed.accept.accept(item);
  const report = draft({ origin: 'dsn', returnPath: '' });
  await bed.accept.accept(report);
  const idsOf = async (id: string): Promise<string[]> =>
    (await bed.admin.query('select delivery_id from spool.rcpt where spool_id = $1', [id])).rows.map(
      (row) => row.delivery_id as string,
    );
  const [one, two] = await idsOf(item.id);
  assert.equal(one, two);
  const before = await idsOf(report.id);
  await bed.admin.query('delete from spool.msg where spool_id = $1', [report.id]);
  await bed.admin.query('delete from spool.rcpt where spool_id = $1', [report.id]);
  await bed.accept.accept(report);
  assert.deepEqual(await idsOf(report.id), before);
});

test('a server that can not be reached refuses at once and keeps nothing', async () => {
  const away = openPool('postgres://waybill_mx:x@127.0.0.1:1/none', { size: 1 });
  try {
    await assert.rejects(openSpoolAccept(away, openBlobstore(away)).accept(draft()), /ECONNREFUSED/);
  } finally {
    await away.end();
  }
});

/** Relays to Postgres; when told so it swallows the answers from the next Execute on and cuts the line. */
async function cuttingProxy(when: 'after commit' | 'before commit'): Promise<{
  url: string;
  arm(): void;
  readonly cuts: number;
  close(): Promise<void>;
}> {
  const target = new URL(bed.db.urlAs('mx'));
  const port = Number(target.port);
  let armed = false;
  let cuts = 0;
  const server = net.createServer((client) => {
    const upstream = net.connect(port, target.hostname);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('data', (data) => {
      if (armed && when === 'before commit' && data.includes('spool.accept')) {
        armed = false;
        cuts++;
        end();
      } else upstream.write(data);
    });
    upstream.on('data', (data) => {
      // CommandComplete of the insert: the commit has taken place.
      if (armed && when === 'after commit' && data.includes('INSERT 0')) {
        armed = false;
        cuts++;
        end();
      } else client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as net.AddressInfo).port);
  return {
    url: target.href,
    arm: () => (armed = true),
    get cuts() {
      return cuts;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

for (const when of ['after commit', 'before commit'] as const) {
  test(`a connection that dies ${when}: the message is accepted, exactly once`, async () => {
    const proxy = await cuttingProxy(when);
    const pool = openPool(proxy.url, { size: 2 });
    try {
      const accept = openSpoolAccept(pool, openBlobstore(pool));
      await accept.accept(draft());
      proxy.arm();
      const items = [draft(), draft(), draft()];
      await Promise.all(items.map((item) => accept.accept(item)));
      assert.equal(proxy.cuts, 1);
      const { rows } = await bed.admin.query(
        'select count(*)::int as n from spool.rcpt where spool_id = any($1)',
        [items.map((item) => item.id)],
      );
      assert.equal(rows[0].n, 3);
    } finally {
      await pool.end();
      await proxy.close();
    }
  });
}
