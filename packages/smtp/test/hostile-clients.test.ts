/** Clients that do not wait, do not read, do not finish or are cut off: each costs a bounded amount, and only itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { test } from 'node:test';
import { type StubOptions, startStub, type Stub } from './stub-session.ts';

const HELLO = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 DSN`;

test('who talks before the greeting is cut', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`
    C: EHLO client.test
    S: 554 5.5.0 You talk before it is your turn
    S closed`);
  assert.ok(!stub.calls.some((call) => call.startsWith('hello')));
});

test('so is who does not wait for the answer to EHLO, or for 354', async () => {
  await using stub = await startStub({ tls: 'none' });
  for (const ahead of ['EHLO a\\r\\nMAIL FROM:<a@red.test>\\r\\n', 'HELO a\\r\\nN'])
    await stub.play(`
      S: 220 ...
      C raw: "${ahead}"
      S: 554 5.5.0 You talk before it is your turn
      S closed`);
  await stub.play(`${HELLO}
    C: MAIL FROM:<a@red.test>
    C: RCPT TO:<b@blue.test>
    C: DATA
    C: Subject: x
    S: 250 ...
    S: 250 ...
    S: 554 5.5.0 You talk before it is your turn
    S closed`);
  assert.deepEqual(stub.messages, []);
});

test('an agent, a submission client and LMTP may talk ahead', async () => {
  const ahead = 'C: EHLO client.test\nC: NOOP\nS: ...\nS: 250 2.0.0 OK';
  await using submission = await startStub({ auth: true, tls: 'starttls' });
  await submission.play(`S: 220 ...\n${ahead}`);
  await using lmtp = await startStub({ protocol: 'lmtp', tls: 'none' });
  await lmtp.play(`S: 220 ...\n${ahead.replace('EHLO', 'LHLO')}`);
  await using agents = await startStub({ asAgent: true });
  await agents.play(`
    S: 220 ...
    C: EHLO mta
    S: ...
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 ...
    C tls
    ${ahead}`);
});

test('the fourth mistake is answered a second later, and nothing is read meanwhile', async () => {
  await using stub = await startStub({ tls: 'none', timers: { errorDelay: 300 } });
  const began = performance.now();
  await stub.play(`${HELLO}
    C: WHAT
    C: WHAT
    C: WHAT
    S: 500 ...
    S: 500 ...
    S: 500 ...
    C: WHAT
    C: NOOP
    S: 500 ...
    S: 250 ...`);
  assert.ok(performance.now() - began >= 300);
});

/** Octets sent one by one, and a promise of the first reply that begins so. */
async function drip(port: number, before: string, octets: string, reply: string): Promise<number> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  const says = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!text.includes(wanted)) return;
        socket.off('data', heard);
        resolve();
      };
      const heard = (chunk: Buffer): void => {
        text += chunk.toString('latin1');
        look();
      };
      socket.on('data', heard);
      look();
    });
  await says('220 ');
  for (const line of before.split('\n')) {
    const [command = '', wanted = ''] = line.split(' -> ');
    socket.write(`${command}\r\n`);
    await says(wanted);
  }
  const began = process.cpuUsage();
  for (let i = 0; i < octets.length; i++) {
    socket.write(octets[i] ?? '', 'latin1');
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await says(reply);
  const { user, system } = process.cpuUsage(began);
  socket.destroy();
  return user + system;
}

test('a message of one-octet segments costs in proportion', async () => {
  await using stub = await startStub({ tls: 'none' });
  const to =
    'EHLO a.test -> 250 DSN\nMAIL FROM:<a@red.test> -> 2.1.0\nRCPT TO:<b@blue.test> -> 2.1.5\nDATA -> 354';
  const cost = (lines: number): Promise<number> =>
    drip(stub.listener.port, to, `${'..\r\n'.repeat(lines)}.\r\n`, 'Kept');
  await cost(500);
  const small = await cost(1500);
  const large = await cost(6000);
  assert.equal(stub.messages.at(-1), '.\r\n'.repeat(6000));
  // Four times as many; sixteen times as much would be quadratic.
  assert.ok(large < small * 9, `${small} µs, then ${large} µs`);
});

test('who never reads is not worked for, however much it sends', { timeout: 20_000 }, async () => {
  await using stub = await startStub({
    tls: 'none',
    limits: { junk: 10_000_000, errors: 10_000_000, errorsAtOnce: 10_000_000 },
    timers: { idle: 1500 },
  });
  const closed = Promise.withResolvers<void>();
  const { calls } = stub;
  calls.push = (...added: string[]) => {
    if (added[0]?.startsWith('closed') === true) closed.resolve();
    return Array.prototype.push.apply(calls, added);
  };
  const socket = net.connect({ port: stub.listener.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  assert.match(greeting.toString(), /^220 /);
  socket.pause();
  // As much as it is let: the server's side stops reading, then the kernel's buffers are full.
  const flood = Buffer.from('HELP\r\n'.repeat(50_000));
  let sent = 0;
  while (socket.write(flood) || sent < 40) {
    if (++sent > 400) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(socket.writableLength > 0, 'the server read all of it');
  await closed.promise;
  socket.destroy();
});

const STATES: readonly (readonly [string, StubOptions, readonly string[]])[] = [
  ['at once', {}, []],
  ['after the greeting', {}, ['']],
  ['within a command', {}, ['', 'EH']],
  ['while EHLO is worked on', {}, ['', 'EHLO a.test\r\n']],
  ['within the envelope', {}, ['', 'EHLO a.test\r\n', 'MAIL FROM:<a@red.test>\r\n']],
  [
    'while RCPT is awaited',
    {},
    ['', 'EHLO a.test\r\n', 'MAIL FROM:<a@red.test>\r\nRCPT TO:<async@red.test>\r\n'],
  ],
  [
    'within a message',
    {},
    ['', 'EHLO a.test\r\n', 'MAIL FROM:<a@red.test>\r\nRCPT TO:<b@red.test>\r\nDATA\r\n', 'half'],
  ],
  [
    'right behind a message',
    {},
    ['', 'EHLO a.test\r\n', 'MAIL FROM:<a@red.test>\r\nRCPT TO:<b@red.test>\r\nDATA\r\n', 'x\r\n.\r\n'],
  ],
  [
    'within a chunk',
    {},
    ['', 'EHLO a.test\r\n', 'MAIL FROM:<a@red.test>\r\nRCPT TO:<b@red.test>\r\nBDAT 100\r\nhalf'],
  ],
  [
    'between chunks',
    {},
    ['', 'EHLO a.test\r\n', 'MAIL FROM:<a@red.test>\r\nRCPT TO:<b@red.test>\r\nBDAT 4\r\nhalf'],
  ],
  ['before the handshake', { tls: 'starttls' }, ['', 'EHLO a.test\r\n', 'STARTTLS\r\n']],
  [
    'within the handshake',
    { tls: 'starttls' },
    ['', 'EHLO a.test\r\n', 'STARTTLS\r\n', '\u0016\u0003\u0001\u0001'],
  ],
  ['before implicit TLS', { tls: 'starttls', implicitTls: true }, []],
  ['within implicit TLS', { tls: 'starttls', implicitTls: true }, ['\u0016\u0003\u0001\u0001']],
  ['while a late answer is due', { timers: { errorDelay: 60_000 } }, ['', 'A\r\nB\r\nC\r\nD\r\n']],
  ['right behind QUIT', {}, ['', 'QUIT\r\n']],
];

async function cutOff(stub: Stub, says: readonly string[]): Promise<void> {
  const socket: Socket = net.connect({ port: stub.listener.port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  for (const [i, octets] of says.entries()) {
    if (octets !== '') socket.write(octets, 'latin1');
    // All but the last are answered; an octet of a handshake or a half is not.
    if (i < says.length - 1 || octets === '') await once(socket, 'data');
  }
  socket.resetAndDestroy();
}

test(
  'a connection may be reset in every state: the next client is served, and each is let go once',
  { timeout: 30_000 },
  async () => {
    for (const [state, options, says] of STATES) {
      const stub = await startStub({ tls: 'none', ...options });
      for (let i = 0; i < 3; i++) await cutOff(stub, says);
      while (stub.listener.open > 0) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(stub.errors, [], state);
      if (options.implicitTls !== true) {
        const closed = stub.calls.filter((call) => call.startsWith('closed'));
        assert.ok(closed.length <= 3, `${state}: ${closed.length} good-byes of 3 connections`);
        await stub.play('S: 220 ...\nC: QUIT\nS: 221 ...\nS closed');
      }
      await stub[Symbol.asyncDispose]();
    }
  },
);

test('names of the language’s own are no commands and no parameters', async () => {
  await using stub = await startStub({ tls: 'none' });
  await stub.play(`${HELLO}
    C: __proto__
    S: 500 5.5.1 ...
    C: constructor
    S: 500 5.5.1 ...
    C: MAIL FROM:<a@red.test> __proto__=x
    S: 555 5.5.4 ...
    C: MAIL FROM:<__proto__@red.test>
    S: 250 ...
    C: RCPT TO:<constructor@red.test> toString=1
    S: 555 5.5.4 ...`);
});

test('where too many handshakes are under way STARTTLS is for later, and mail may come in clear', async () => {
  await using stub = await startStub({ maxHandshakes: 0 });
  await stub.play(`
    S: 220 ...
    C: EHLO client.test
    S: ...
    S: 250 STARTTLS
    C: STARTTLS
    S: 454 4.7.0 TLS is not available at the moment
    C: MAIL FROM:<a@red.test>
    S: 250 ...`);
});
