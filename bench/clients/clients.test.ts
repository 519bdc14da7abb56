import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { startSmtpHost } from '@waybill/lab';
import { ImapConnection } from './imap-connection.ts';
import { Tally } from './job.ts';
import { LoadClient, Sink } from './load-client.ts';
import { rareAmong } from './mailboxes.ts';
import { messageSet, RARE_WORD, whole } from './message-set.ts';
import { smtpJob } from './smtp.ts';

test('the message set is the same every time, of the size asked for, and legal mail', () => {
  const [first, second] = [messageSet(120, 5120), messageSet(120, 5120)];
  assert.deepEqual(first, second);
  for (const template of first) {
    const text = whole(template, 'x@test').toString('latin1');
    assert.ok(Math.abs(text.length - 5120) < 700, `${text.length} octets`);
    assert.ok(text.endsWith('\r\n'));
    for (const line of text.split('\r\n'))
      assert.ok(line.length <= 998 && !line.startsWith('.') && !line.includes('\n'));
  }
  const rare = first.filter(({ after }) => after.includes(RARE_WORD));
  assert.equal(rare.length, 2);
  assert.equal(rareAmong(1000), 10);
});

test('a sender delivers every message once, also with a connection each, and counts refusals', async () => {
  let refuse = false;
  await using host = await startSmtpHost({
    script: ({ phase }) => (refuse && phase === 'rcpt' ? '550 5.1.1 Nobody' : undefined),
  });
  const send = async (reconnect: boolean): Promise<Tally> => {
    const tally = new Tally();
    const job = smtpJob({
      op: 'smtp',
      door: { host: '127.0.0.1', ports: [host.port] },
      count: 30,
      connections: 4,
      octets: 2000,
      from: 'a@b.test',
      recipients: ['r1@c.test', 'r2@c.test'],
      reconnect,
      run: String(reconnect),
    });
    await job.prepare();
    await job.run(tally);
    await job.close();
    return tally;
  };
  assert.equal((await send(false)).done, 30);
  assert.equal(host.connections, 4);
  assert.equal((await send(true)).done, 30);
  assert.equal(host.connections, 34);
  const ids = host.messages.map(({ content }) => /^Message-ID: (.*)$/m.exec(content)?.[1]);
  assert.equal(new Set(ids).size, 60);
  refuse = true;
  const refused = await send(false);
  assert.equal(refused.done, 0);
  assert.deepEqual([...refused.faults], [['550 5.1.1 Nobody', 30]]);
});

/** Says these bytes after the greeting and LOGIN, in pieces of this size. */
async function imapThatSays(answer: string, piece: number): Promise<{ port: number } & AsyncDisposable> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('* OK hello\r\n');
    socket.on('data', (data) => {
      const tag = data.toString('latin1').split(' ')[0] ?? '';
      if (data.includes('LOGIN')) socket.write(`${tag} OK in\r\n`);
      else {
        const all = Buffer.from(answer.replaceAll('TAG', tag), 'latin1');
        for (let at = 0; at < all.length; at += piece) socket.write(all.subarray(at, at + piece));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

test('an IMAP session counts answers, whatever literals hold and however the octets come', async () => {
  const literal = 'x\r\n* 9 FETCH\r\na2 OK no\r\n';
  const answer =
    `* 5 EXISTS\r\n* 1 FETCH (BODY[] {${literal.length}}\r\n${literal} UID 4)\r\n* 2 FETCH (FLAGS ())\r\n` +
    `* SEARCH 1 22 333\r\n* STATUS x (MESSAGES 12)\r\n* 3 EXPUNGE\r\nTAG OK done\r\n`;
  for (const piece of [1, 7, 10_000]) {
    await using server = await imapThatSays(answer, piece);
    const session = await ImapConnection.login({ host: '127.0.0.1', ports: [server.port] }, 0, 'u', 'p');
    await session.command('FETCH');
    assert.deepEqual(
      [session.exists, session.fetches, session.hits, session.status.includes('(MESSAGES 12)')],
      [5, 2, 3, true],
    );
    session.destroy();
  }
});

test('an IMAP session reports NO, and a connection that breaks', async () => {
  await using server = await imapThatSays('TAG NO not now\r\n', 1000);
  const session = await ImapConnection.login({ host: '127.0.0.1', ports: [server.port] }, 0, 'u', 'p');
  await assert.rejects(session.command('SELECT x'), /SELECT: NO not now/);
  session.destroy();
  await assert.rejects(ImapConnection.login({ host: '127.0.0.1', ports: [1] }, 0, 'u', 'p'), /broke/);
});

test('the load client sends into the sink, and the sink counts', async () => {
  await using sink = await Sink.start();
  await using client = new LoadClient();
  const door = { host: '127.0.0.1', ports: [sink.port] };
  const job = {
    op: 'smtp',
    door,
    count: 50,
    connections: 3,
    octets: 5120,
    from: 'a@b.test',
    recipients: ['c@d.test'],
    run: 'sink',
  } as const;
  const result = await client.simply(job, 10_000);
  assert.equal(result.done, 50);
  assert.equal((await sink.taken()).messages, 50);
  const nobody = { ...job, door: { host: '127.0.0.1', ports: [1] } };
  await assert.rejects(client.simply(nobody, 10_000), /broke/);
  assert.equal((await client.simply(job, 10_000)).done, 50);
});
