/** Two replicas of mra on one Postgres: whatever one says OK to, the other shows. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { plain, TWO_PARTS } from './bed.ts';
import { ClientView } from './client-view.ts';
import type { ImapClient } from './imap-client.ts';
import { openReplicas, type Replicas } from './postgres-bed.ts';

suite('two replicas over Postgres', () => {
  let replicas: Replicas;
  before(async () => {
    replicas = await openReplicas(2);
  });
  after(() => replicas[Symbol.asyncDispose]());

  const login = (replica: number, username = 'alice@red.test'): Promise<ImapClient> =>
    replicas.beds[replica]!.login(username);

  test('what one replica said OK to, the other shows at the next command', async () => {
    const [one, two] = await Promise.all([login(0), login(1)]);
    await one.ok('CREATE Agree');
    await one.ok('SELECT Agree');
    await two.ok('SELECT Agree');
    assert.match(await one.append('Agree', TWO_PARTS, '\\Flagged $Kept'), /^OK \[APPENDUID \d+ 1\]/);
    assert.deepEqual(await two.ok('FETCH 1:* FLAGS'), [
      '* 1 EXISTS',
      // The replica that took it was the first to tell.
      '* 0 RECENT',
      '* 1 FETCH (FLAGS (\\Flagged $Kept))',
    ]);
    await two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    assert.match((await one.ok('FETCH 1 FLAGS')).at(-1) ?? '', /FLAGS \(\\Flagged \\Deleted.* \$Kept\)/);
    assert.deepEqual(await one.ok('EXPUNGE'), ['* 1 EXPUNGE']);
    assert.deepEqual(await two.ok('NOOP'), ['* 1 EXPUNGE']);
  });

  test('a delivery wakes IDLE on every replica', async () => {
    const clients = await Promise.all([login(0, 'bob@blue.test'), login(1, 'bob@blue.test')]);
    for (const client of clients) {
      await client.ok('SELECT INBOX');
      client.send('IDLE');
      await client.line();
    }
    await replicas.deliver('2', plain('wake up'));
    for (const client of clients) assert.equal(await client.line(), '* 1 EXISTS');
  });

  test('the octets are the same from both, prefix and all, and for each account its own', async () => {
    await replicas.deliver('1', TWO_PARTS);
    const [one, two, bob] = await Promise.all([login(0), login(1), login(1, 'bob@blue.test')]);
    const answers = [];
    for (const client of [one, two]) {
      await client.ok('EXAMINE INBOX');
      answers.push(await client.ok('FETCH * (ENVELOPE BODYSTRUCTURE BODY[] RFC822.SIZE)'));
    }
    assert.deepEqual(answers[0], answers[1]);
    const whole = `Return-Path: <sender@red.test>\r\n${TWO_PARTS}`;
    assert.ok(answers[0]?.[0]?.includes(`RFC822.SIZE ${whole.length})`));
    assert.ok(answers[0]?.[0]?.includes(`BODY[] {${whole.length}}\r\n${whole}`));
    await bob.ok('EXAMINE INBOX');
    assert.ok(!(await bob.ok('FETCH 1:* BODY[]')).some((line) => line.includes('two parts')));
  });

  test('mailboxes with special use, subscriptions, quota of names: LIST and LSUB agree', async () => {
    const [one, two] = await Promise.all([login(0), login(1)]);
    await one.ok('CREATE A/B/C');
    await one.ok('UNSUBSCRIBE A');
    assert.deepEqual(await two.ok('LIST "" A/*'), [
      '* LIST (\\HasChildren) "/" A/B',
      '* LIST (\\HasNoChildren) "/" A/B/C',
    ]);
    assert.ok((await two.ok('LIST "" %')).some((line) => line.endsWith('\\Sent) "/" Sent')));
    await two.ok('RENAME A Z');
    assert.deepEqual(await one.ok('LIST "" Z/*'), [
      '* LIST (\\HasChildren) "/" Z/B',
      '* LIST (\\HasNoChildren) "/" Z/B/C',
    ]);
    assert.match((await one.command('DELETE Z')).tagged, /^NO \[HASCHILDREN\]/);
  });

  test('clients that change one mailbox at random never lose count of it', async () => {
    const random = seeded(20_260_817);
    const setup = await login(0);
    await setup.ok('CREATE Storm');
    for (let n = 0; n < 12; n += 1) await setup.append('Storm', plain(`s${n}`));
    const clients = await Promise.all([0, 1, 0, 1].map((replica) => login(replica)));
    const views = clients.map(() => new ClientView());
    for (const [n, client] of clients.entries()) views[n]!.hear(await client.ok('SELECT Storm'));
    const act = async (n: number): Promise<void> => {
      const client = clients[n]!;
      const view = views[n]!;
      const count = Math.max(1, view.messages.length);
      const number = 1 + Math.floor(random() * count);
      const flag = ['\\Seen', '\\Flagged', '\\Deleted', '$Word'][Math.floor(random() * 4)]!;
      const choice = Math.floor(random() * 9);
      const message = plain('new');
      const commands = [
        `APPEND Storm {${message.length}+}\r\n${message}`,
        `STORE ${number} +FLAGS (${flag})`,
        `STORE ${number} -FLAGS (${flag})`,
        'EXPUNGE',
        `FETCH ${number}:* (UID FLAGS)`,
        `UID FETCH 1:* (FLAGS)`,
        `COPY ${number} Storm`,
        'NOOP',
        `UID STORE 1:* FLAGS (${flag === '\\Deleted' ? '\\Seen' : flag})`,
      ];
      const { untagged, tagged } = await client.command(commands[choice]!);
      assert.doesNotMatch(tagged, /SERVERBUG|UNAVAILABLE/, commands[choice]);
      view.hear(untagged);
    };
    for (let round = 0; round < 60; round += 1) await Promise.all(clients.map((_client, n) => act(n)));
    const truths = [];
    for (const [n, client] of clients.entries()) {
      views[n]!.hear(await client.ok('NOOP'));
      const fresh = new ClientView();
      fresh.hear([`* ${views[n]!.messages.length} EXISTS`]);
      const lines = await client.ok('FETCH 1:* (UID FLAGS)');
      fresh.hear(lines);
      for (const [at, message] of views[n]!.messages.entries()) {
        const truth = fresh.messages[at]!;
        if (message.uid !== undefined) assert.equal(message.uid, truth.uid);
      }
      truths.push(fresh.messages);
    }
    for (const truth of truths) assert.deepEqual(truth, truths[0]);
    for (const bed of replicas.beds) assert.deepEqual(bed.complaints, []);
  });

  test('a client written by others reads, marks, moves and watches', async () => {
    const bed = replicas.beds[0]!;
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: bed.tlsPort,
      secure: true,
      tls: { ca: bed.ca, servername: 'localhost' },
      auth: { user: 'bob@blue.test', pass: 'secret' },
      logger: false,
    });
    await client.connect();
    try {
      const lock = await client.getMailboxLock('INBOX');
      try {
        const appended = await client.append('INBOX', TWO_PARTS, ['\\Flagged'], new Date(1_600_000_000_000));
        assert.ok(appended !== false && appended.uid !== undefined);
        const message = await client.fetchOne(
          String(appended.uid),
          { envelope: true, bodyStructure: true, source: true, flags: true, internalDate: true },
          { uid: true },
        );
        assert.ok(message !== false);
        assert.equal(message.envelope?.subject, 'two parts');
        assert.equal(message.envelope?.from?.[0]?.name, 'Fred Föö');
        assert.equal(message.bodyStructure?.childNodes?.length, 2);
        assert.equal(message.source?.toString(), TWO_PARTS);
        assert.ok(message.flags?.has('\\Flagged'));
        assert.equal(new Date(message.internalDate ?? 0).getTime(), 1_600_000_000_000);
        assert.deepEqual(await client.search({ from: 'fred', flagged: true }, { uid: true }), [appended.uid]);
        await client.messageFlagsAdd(String(appended.uid), ['\\Answered'], { uid: true });
        const moved = await client.messageMove(String(appended.uid), 'Archive', { uid: true });
        assert.ok(moved !== false && moved.uidMap?.has(appended.uid));
      } finally {
        lock.release();
      }
      const status = await client.status('Archive', { messages: true });
      assert.equal(status !== false && status.messages, 1);
      assert.ok((await client.list()).some(({ specialUse }) => specialUse === '\\Sent'));
    } finally {
      await client.logout();
    }
  });
});

/** Numbers in [0, 1) that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
