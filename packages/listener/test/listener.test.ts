import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { before, test } from 'node:test';
import tls from 'node:tls';
import { CertificateAuthority } from '@waybill/lab';
import {
  type Connection,
  type Listener,
  type ListenerOptions,
  Networks,
  openListener,
  TlsContexts,
} from '../src/index.ts';

let authority: CertificateAuthority;
let contexts: TlsContexts;

before(async () => {
  authority = await CertificateAuthority.create('listener test');
  const { certificate, key } = await authority.issue(['localhost']);
  contexts = new TlsContexts({ cert: certificate, key, ca: authority.certificate });
});

/** A door that greets and echoes. */
async function echo(options: Partial<ListenerOptions> = {}): Promise<Listener & { seen: Connection[] }> {
  const seen: Connection[] = [];
  const listener = await openListener({
    host: '127.0.0.1',
    port: 0,
    tickMs: 10,
    onConnection: (connection) => {
      seen.push(connection);
      connection.onData((chunk) => connection.write(chunk));
      connection.write('hello\n');
    },
    ...options,
  });
  return Object.assign(listener, { seen });
}

/** Collects what a socket receives; resolves when the text is there. */
function reader(socket: net.Socket): (text: string) => Promise<string> {
  let all = '';
  let wake = (): void => undefined;
  socket.on('data', (chunk: Buffer) => {
    all += chunk.toString('latin1');
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => wake());
  return async (text) => {
    while (!all.includes(text)) {
      if (socket.destroyed) throw new Error(`closed after ${JSON.stringify(all)}, wanted ${text}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return all;
  };
}

test('octets go both ways, and the peer is known', async () => {
  await using door = await echo();
  const client = net.connect(door.port, '127.0.0.1');
  const read = reader(client);
  await read('hello\n');
  client.write('ping');
  await read('ping');
  const [connection] = door.seen;
  assert.equal(connection?.remoteAddress, '127.0.0.1');
  assert.equal(connection.remotePort, client.localPort);
  assert.equal(connection.secure, false);
  client.destroy();
});

test('a client that closes its side still gets what was under way', async () => {
  const door = await openListener({
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      connection.onData(() => undefined);
      connection.onEnd(() => setImmediate(() => connection.end('late reply')));
    },
  });
  const client = net.connect(door.port, '127.0.0.1');
  const read = reader(client);
  client.end('request');
  assert.equal(await read('late reply'), 'late reply');
  await door[Symbol.asyncDispose]();
});

test('a PROXY header from a listed network names the client', async () => {
  await using door = await echo({ proxyFrom: new Networks('127.0.0.0/8') });
  const client = net.connect(door.port, '127.0.0.1');
  const read = reader(client);
  client.write('PROXY TCP4 192.0.2.9 192.0.2.1 4321 25\r\nand more');
  await read('and more');
  assert.equal(door.seen[0]?.remoteAddress, '192.0.2.9');
  assert.equal(door.seen[0].remotePort, 4321);
  client.destroy();
});

test('a listed network that sends no header, or a bad one, is cut', async () => {
  const refused: string[] = [];
  await using door = await echo({
    proxyFrom: new Networks('127.0.0.0/8'),
    proxyTimeoutMs: 50,
    onRefused: (why) => refused.push(why),
  });
  for (const say of ['EHLO x\r\n', '']) {
    const client = net.connect(door.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write(say);
    await once(client, 'close');
  }
  assert.deepEqual(refused, ['bad-proxy-header', 'bad-proxy-header']);
  assert.equal(door.seen.length, 0);
});

test('a PROXY header from anybody else is only data', async () => {
  await using door = await echo({ proxyFrom: new Networks('10.0.0.0/8') });
  const client = net.connect(door.port, '127.0.0.1');
  const read = reader(client);
  client.write('PROXY TCP4 192.0.2.9 192.0.2.1 4321 25\r\n');
  await read('PROXY');
  assert.equal(door.seen[0]?.remoteAddress, '127.0.0.1');
  client.destroy();
});

test('one connection too many is told why, and a place that is freed is taken', async () => {
  await using door = await echo({
    limits: { maxConnections: 10, maxPerAddress: 1, unlimited: new Networks('') },
    refusal: (why) => `421 ${why}\r\n`,
  });
  const first = net.connect(door.port, '127.0.0.1');
  await reader(first)('hello\n');
  const second = net.connect(door.port, '127.0.0.1');
  assert.equal(await reader(second)('421'), '421 too-many-from-address\r\n');
  const gone = new Promise<void>((resolve) => door.seen[0]?.onClose(() => resolve()));
  first.destroy();
  await gone;
  const third = net.connect(door.port, '127.0.0.1');
  await reader(third)('hello\n');
  third.destroy();
});

test('implicit TLS, also behind a PROXY header', async () => {
  await using door = await echo({ tls: contexts, implicitTls: true, proxyFrom: new Networks('127.0.0.1') });
  const raw = net.connect(door.port, '127.0.0.1');
  await once(raw, 'connect');
  raw.write('PROXY TCP4 192.0.2.9 192.0.2.1 4321 465\r\n');
  const client = tls.connect({ socket: raw, ca: authority.certificate, servername: 'localhost' });
  const read = reader(client);
  await read('hello\n');
  client.write('secret');
  await read('secret');
  assert.equal(door.seen[0]?.remoteAddress, '192.0.2.9');
  assert.match(door.seen[0].tls?.protocol ?? '', /^TLSv1\.[23]$/);
  client.destroy();
});

/** A door that answers any line by starting TLS. */
async function starttlsDoor(
  options: Partial<ListenerOptions> = {},
): Promise<Listener & { seen: Connection[] }> {
  const seen: Connection[] = [];
  const door = await openListener({
    host: '127.0.0.1',
    port: 0,
    tickMs: 10,
    tls: contexts,
    onConnection: (connection) => {
      seen.push(connection);
      connection.onData((chunk) => {
        if (connection.secure) connection.write(chunk);
        else {
          connection.write('go\n');
          connection.startTls(() => connection.write('secured\n'));
        }
      });
    },
    ...options,
  });
  return Object.assign(door, { seen });
}

test('STARTTLS changes the connection in place and learns the agent from its certificate', async () => {
  await using door = await starttlsDoor({ requestCertificate: true });
  const agent = await authority.issue(['mta', 'mta.internal']);
  const stranger = await (await CertificateAuthority.create('another')).issue(['mta']);
  for (const [pair, name] of [
    [agent, 'mta'],
    [stranger, undefined],
    [undefined, undefined],
  ] as const) {
    const raw = net.connect(door.port, '127.0.0.1');
    raw.write('STARTTLS\n');
    await once(raw, 'data');
    const client = tls.connect({
      socket: raw,
      ca: authority.certificate,
      servername: 'localhost',
      ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.key }),
    });
    await reader(client)('secured\n');
    const connection = door.seen.at(-1);
    assert.equal(connection?.agent, name);
    assert.ok(connection?.secure);
    client.destroy();
  }
});

test('a handshake that fails or never comes ends the connection with a reason', async () => {
  const refused: string[] = [];
  await using door = await echo({
    tls: contexts,
    implicitTls: true,
    handshakeTimeoutMs: 30,
    onRefused: (_why, _address, detail) => refused.push(detail),
  });
  for (const say of ['GET / HTTP/1.0\r\n\r\n', '']) {
    const client = net.connect(door.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write(say);
    client.resume();
    await once(client, 'close');
  }
  await door.drain(1000);
  assert.equal(refused.length, 2);
  assert.match(refused[0] ?? '', /TLS handshake failed/);
  assert.match(refused[1] ?? '', /too long/);
  assert.equal(door.seen.length, 0);
});

test('handshakes under way have an end: further ones are cut, and there is room again', async () => {
  const refused: string[] = [];
  await using door = await echo({
    tls: contexts,
    implicitTls: true,
    maxHandshakes: 1,
    onRefused: (why, _address, detail) => refused.push(`${why}: ${detail}`),
  });
  const slow = net.connect(door.port, '127.0.0.1');
  await once(slow, 'connect');
  const over = net.connect(door.port, '127.0.0.1');
  over.on('error', () => undefined);
  await once(over, 'close');
  assert.deepEqual(refused, ['tls-handshake: too many handshakes under way']);
  slow.destroy();
  while (door.open > 0) await new Promise((resolve) => setImmediate(resolve));
  const client = tls.connect({
    port: door.port,
    host: '127.0.0.1',
    ca: authority.certificate,
    servername: 'localhost',
  });
  assert.match(await reader(client)('hello\n'), /hello/);
  client.destroy();
});

test('reload shows the new certificate to the next client, a broken one is refused', async () => {
  await using door = await echo({ tls: contexts, implicitTls: true });
  const material = { cert: '', key: '', ca: authority.certificate };
  const first = await authority.issue(['localhost', 'first.test']);
  Object.assign(material, { cert: first.certificate, key: first.key });
  const changing = new TlsContexts(material);
  await using other = await echo({ tls: changing, implicitTls: true });
  const names = async (): Promise<string> => {
    const client = tls.connect({
      port: other.port,
      host: '127.0.0.1',
      ca: authority.certificate,
      servername: 'localhost',
    });
    await once(client, 'secureConnect');
    const shown = client.getPeerCertificate().subjectaltname ?? '';
    client.destroy();
    return shown;
  };
  assert.match(await names(), /first\.test/);
  const second = await authority.issue(['localhost', 'second.test']);
  Object.assign(material, { cert: second.certificate, key: second.key });
  changing.reload();
  assert.match(await names(), /second\.test/);
  Object.assign(material, { cert: 'no certificate' });
  assert.throws(() => changing.reload());
  assert.match(await names(), /second\.test/);
  assert.equal(door.open, 0);
});

test('drain asks every connection to finish, and destroys those that do not', async () => {
  const asked: string[] = [];
  const reasons: string[] = [];
  const door = await echo({
    onConnection: (connection) => {
      connection.onData((chunk) => {
        const stubborn = chunk.toString() === 'stubborn';
        connection.onFinish(() => {
          asked.push(chunk.toString());
          if (!stubborn) connection.end('bye\n');
        });
        connection.write('known\n');
      });
      connection.onClose((reason) => reasons.push(reason));
    },
  });
  const clients = ['polite', 'stubborn'].map((name) => {
    const client = net.connect(door.port, '127.0.0.1');
    client.write(name);
    return { client, read: reader(client) };
  });
  await Promise.all(clients.map(({ read }) => read('known\n')));
  const drained = door.drain(60);
  assert.match(await clients[0]!.read('bye\n'), /bye/);
  clients[0]!.client.end();
  await drained;
  assert.deepEqual(asked.toSorted(), ['polite', 'stubborn']);
  assert.ok(reasons.includes('drain deadline passed'));
  await assert.rejects(once(net.connect(door.port, '127.0.0.1'), 'connect'));
});

test('silence is noticed, talk is not disturbed', async () => {
  let idle = 0;
  await using door = await echo({
    onConnection: (connection) => {
      connection.onData((chunk) => connection.write(chunk));
      connection.setIdle(40, () => {
        idle++;
        connection.end('too slow\n');
      });
    },
  });
  const client = net.connect(door.port, '127.0.0.1');
  const read = reader(client);
  await read('too slow\n');
  assert.equal(idle, 1);
  client.destroy();
});

test('a reset in the middle is a reason, never an exception', async () => {
  await using door = await echo();
  const client = net.connect(door.port, '127.0.0.1');
  await reader(client)('hello\n');
  const reason = new Promise<string>((resolve) => door.seen[0]?.onClose(resolve));
  client.resetAndDestroy();
  assert.match(await reason, /ECONNRESET|closed/);
});
