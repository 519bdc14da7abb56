import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import test, { after } from 'node:test';
import { temporaryFolder } from '@waybill/lab';
import { type Answer, type Conversation, Garbage } from './conversation.ts';
import { type DoorOptions, openForeignDoor, type OpenDoor } from './door.ts';
import type { ForeignEvents } from './events.ts';
import { readLine } from './lines.ts';
import { foreignNetworks } from './networks.ts';

/** A protocol of lines: each is answered by itself, when it is told to. */
class Echo implements Conversation {
  readonly greeting = 'hello\n';
  readonly ready = true;
  readonly parallel: number;
  readonly #answer: (line: string) => Promise<Answer>;
  constructor(parallel: number, answer: (line: string) => Promise<Answer>) {
    this.parallel = parallel;
    this.#answer = answer;
  }
  next(octets: Buffer): ReturnType<Conversation['next']> {
    const line = readLine(octets, 100);
    if ('need' in line) return line;
    if (line.text === 'garbage') throw new Garbage('it said so');
    return { length: line.length, answer: () => this.#answer(line.text) };
  }
  trouble(_request: unknown, why: string): Answer {
    return { text: `${why}\n`, result: why };
  }
}

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const folder = temporaryFolder();
resources.defer(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly lines: string[];
  until(line: string): Promise<void>;
}

function listening(): { events: ForeignEvents; told: Told } {
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const tell = (line: string): void => {
    lines.push(line);
    for (const watch of watchers) watch();
  };
  const told: Told = {
    lines,
    until: (line) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (!lines.includes(line)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
  };
  const events: ForeignEvents = {
    opened: (_door, place, networks) => tell(`open ${place.kind} ${networks.join(' ')}`),
    stranger: (_door, address) => tell(`stranger ${address}`),
    tooMany: () => tell('too many'),
    closed: (_door, client, why) => tell(`closed ${client}: ${why}`),
    answered: (_door, result) => tell(`answered ${result}`),
    failed: () => tell('failed'),
    late: () => tell('late'),
    broken: () => tell('broken'),
  };
  return { events, told };
}

async function open(
  answer: (line: string) => Promise<Answer>,
  options: Partial<DoorOptions> & { parallel?: number } = {},
): Promise<{ door: OpenDoor; told: Told; connect: () => Promise<Client> }> {
  const { events, told } = listening();
  const door = resources.use(
    await openForeignDoor({
      door: 'sasl',
      places: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
      networks: foreignNetworks('127.0.0.0/8'),
      socketMode: '0600',
      events,
      converse: () => new Echo(options.parallel ?? 1, answer),
      ...options,
    }),
  );
  return { door, told, connect: () => Client.connect(door) };
}

class Client {
  readonly socket: net.Socket;
  #text = '';
  #wake: () => void = () => undefined;
  readonly closed: Promise<unknown>;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text) => {
      this.#text += String(text);
      this.#wake();
    });
  }

  static async connect(door: OpenDoor): Promise<Client> {
    const [place] = door.places;
    const client = new Client(
      place?.kind === 'tcp' ? net.connect(place.port, place.host) : net.connect(place?.path ?? ''),
    );
    await once(client.socket, 'connect');
    return client;
  }

  say(text: string): void {
    this.socket.write(text);
  }

  /** Resolves when so much has been heard altogether. */
  async heard(text: string): Promise<void> {
    while (this.#text.length < text.length) await new Promise<void>((resolve) => (this.#wake = resolve));
    assert.equal(this.#text, text);
  }
}

const echo = async (line: string): Promise<Answer> => ({ text: `${line}\n`, result: 'ok' });

test('requests are answered in order, however their octets come', async () => {
  const { connect } = await open(echo);
  const client = await connect();
  for (const octet of 'one\ntwo\n') client.say(octet);
  client.say('three\nfour\nfi');
  client.say('ve\n');
  await client.heard('hello\none\ntwo\nthree\nfour\nfive\n');
  client.socket.destroy();
});

test('a client that has said all and closes its half still gets every answer', async () => {
  const { connect } = await open(echo);
  const client = await connect();
  client.socket.end('one\ntwo\nthree\n');
  await client.heard('hello\none\ntwo\nthree\n');
  await client.closed;
});

test('who is in no listed network is closed at accept, and the log says so', async () => {
  const { connect, told } = await open(echo, { networks: foreignNetworks('192.0.2.0/24') });
  const client = await connect();
  await client.closed;
  await client.heard('');
  assert.deepEqual(told.lines, ['open tcp 192.0.2.0/24', 'stranger 127.0.0.1']);
});

test('a unix socket has the mode that is set; a stale one is replaced, a living one is not', async () => {
  const at = path.join(folder, 'door');
  const left = net.createServer().listen(at);
  await once(left, 'listening');
  const places = [{ kind: 'unix' as const, path: at }];
  await assert.rejects(open(echo, { places }), /EADDRINUSE/);
  // What a killed process leaves: the name of a socket at which nobody listens.
  const stale = path.join(folder, 'stale');
  fs.renameSync(at, stale);
  left.close();
  await once(left, 'close');
  const { connect, door } = await open(echo, {
    places: [{ kind: 'unix', path: stale }],
    networks: foreignNetworks(''),
  });
  assert.equal(fs.statSync(stale).mode & 0o777, 0o600);
  const client = await connect();
  client.say('one\n');
  await client.heard('hello\none\n');
  await door[Symbol.asyncDispose]();
  assert.equal(fs.existsSync(stale), false);
});

test('garbage ends the connection with a line in the log', async () => {
  const { connect, told } = await open(echo);
  const client = await connect();
  client.say('garbage\n');
  await client.closed;
  const long = await connect();
  long.say('x'.repeat(200));
  await long.closed;
  assert.deepEqual(told.lines.slice(1), [
    'closed 127.0.0.1: it said so',
    'closed 127.0.0.1: a line of more than 100 octets',
  ]);
});

test('a request that does not come whole in time ends the connection; a silent one stays', async () => {
  const { connect, told } = await open(echo, { limits: { patienceMs: 20, tickMs: 5 } });
  const silent = await connect();
  const slow = await connect();
  slow.say('on');
  await slow.closed;
  assert.ok(told.lines.includes('closed 127.0.0.1: a request did not come whole in time'));
  silent.say('one\n');
  await silent.heard('hello\none\n');
  silent.socket.destroy();
});

test('who does not take its answers is read no further, and closed', async () => {
  const big = 'x'.repeat(1024 * 1024);
  let asked = 0;
  const answer = async (): Promise<Answer> => {
    asked++;
    return { text: big, result: 'ok' };
  };
  const { connect, told } = await open(answer, { limits: { patienceMs: 50, tickMs: 5 }, parallel: 4 });
  const client = await connect();
  client.socket.pause();
  client.say('more\n'.repeat(1000));
  await told.until('closed 127.0.0.1: does not take its answers');
  assert.ok(asked < 100, `${asked} of 1000 were worked on`);
  client.socket.destroy();
});

test('many are worked on at a time, and answered as they are ready', async () => {
  const waiting = new Map<string, () => void>();
  const { connect } = await open(
    async (line) => {
      await new Promise<void>((resolve) => {
        waiting.set(line, resolve);
        if (line === '3') for (const name of ['2', '1', '3']) waiting.get(name)?.();
      });
      return { text: `${line}\n`, result: 'ok' };
    },
    { parallel: 3 },
  );
  const client = await connect();
  client.say('1\n2\n3\n');
  await client.heard('hello\n2\n1\n3\n');
  client.socket.destroy();
});

test('what fails, and what takes too long, is answered as trouble', async () => {
  const answer = (line: string): Promise<Answer> =>
    line === 'fail' ? Promise.reject(new Error('no')) : new Promise(() => undefined);
  const { connect, told } = await open(answer, { limits: { answerMs: 10 } });
  const client = await connect();
  client.say('fail\nhang\n');
  await client.heard('hello\nfailed\nlate\n');
  assert.deepEqual(told.lines.slice(1), ['failed', 'answered failed', 'late', 'answered late']);
  client.socket.destroy();
});

test('a closing door answers what is in hand, and lets idle connections go at once', async () => {
  const { promise: asked, resolve: setAsked } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const { connect, door } = await open(async (line) => {
    setAsked();
    await held;
    return { text: `${line}\n`, result: 'ok' };
  });
  const [busy, idle] = [await connect(), await connect()];
  busy.say('one\ntwo\n');
  await asked;
  const closed = door[Symbol.asyncDispose]();
  await idle.closed;
  release();
  await busy.heard('hello\none\n');
  await busy.closed;
  await closed;
  await assert.rejects(connect(), /ECONNREFUSED/);
});

test('one connection more than the door takes is closed', async () => {
  const { connect, told } = await open(echo, { limits: { connections: 1 } });
  const first = await connect();
  await first.heard('hello\n');
  const second = await connect();
  await second.closed;
  assert.ok(told.lines.includes('too many'));
  first.socket.destroy();
});
