import assert from 'node:assert/strict';
import net from 'node:net';
import test, { after } from 'node:test';
import tls from 'node:tls';
import { playTranscript } from '@waybill/lab';
import { message, TestWorld } from './a-world.ts';
import { ScramClient } from './scram-client.ts';
import { TokenIssuer } from './token-issuer.ts';

/** Everything that a person does who says who they are: mechanisms at every door, over the real auth and its Postgres. */
const issuer = TokenIssuer.create();
after(() => issuer[Symbol.dispose]());
const offered = { WAYBILL_SASL_MECHANISMS: 'PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2' };
const t = await TestWorld.start({
  replicas: { mx: 0, mta: 0, mda: 0 },
  extra: { auth: issuer.settings, msa: offered, mra: offered },
});
after(() => t[Symbol.asyncDispose]());
const { ports } = t.world;

test('the client side is right by the example of RFC 7677 §3', () => {
  const client = new ScramClient('user', 'pencil', 'rOprNGfwEbeRWgbNEkqO');
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  assert.equal(client.first(), b64('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'));
  assert.equal(
    client.proof(
      b64('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
    ),
    b64(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ),
  );
  assert.ok(client.verifies(b64('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')));
});

interface Dialect {
  readonly port: number;
  /** Lines until the door is ready for AUTH, and what then names the mechanism. */
  readonly hello: string;
  readonly auth: string;
  /** How a challenge begins. */
  readonly challenge: string;
  readonly ok: string;
  readonly denied: string;
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  submission: {
    port: ports.msas,
    hello:
      'S: 220 ...\nC: EHLO client.test\nS: ...\nS: 250 AUTH PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2',
    auth: 'AUTH SCRAM-SHA-256',
    challenge: '334 ',
    ok: '235 2.7.0 ...',
    denied: '535 5.7.8 ...',
  },
  IMAP: {
    port: ports.imaps,
    hello:
      'S: * OK [CAPABILITY ... AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256 AUTH=OAUTHBEARER AUTH=XOAUTH2] ...',
    auth: 'a AUTHENTICATE SCRAM-SHA-256',
    challenge: '+ ',
    ok: 'a OK ...',
    denied: 'a NO [AUTHENTICATIONFAILED] ...',
  },
  POP3: {
    port: ports.pop3s,
    hello: 'S: +OK ...\nC: CAPA\nS: ...\nS: SASL PLAIN LOGIN SCRAM-SHA-256 OAUTHBEARER XOAUTH2\nS: ...\nS: .',
    auth: 'AUTH SCRAM-SHA-256',
    challenge: '+ ',
    ok: '+OK 0 messages...',
    denied: '-ERR [AUTH] ...',
  },
};

/** A TLS connection that answers each line by a function; gives back the last line. */
async function scram(dialect: Dialect, client: ScramClient, extra = ''): Promise<string> {
  const socket = tls.connect({ port: dialect.port, host: '127.0.0.1', ca: t.ca, servername: 'localhost' });
  const lines = linesOf(socket);
  const next = async (): Promise<string> => (await lines.next()).value ?? '';
  try {
    await next();
    if (dialect.auth.startsWith('AUTH') && dialect.challenge === '334 ') {
      socket.write('EHLO client.test\r\n');
      while ((await next()).startsWith('250-'));
    }
    socket.write(`${dialect.auth} ${client.first()}\r\n`);
    const first = await next();
    if (!first.startsWith(dialect.challenge)) return first;
    socket.write(`${client.proof(first.slice(dialect.challenge.length))}\r\n`);
    const second = await next();
    if (!second.startsWith(dialect.challenge)) return second;
    assert.ok(client.verifies(second.slice(dialect.challenge.length)), 'the server does not know the keys');
    socket.write(`\r\n`);
    const last = await next();
    if (extra === '') return last;
    socket.write(`${extra}\r\n`);
    return await next();
  } finally {
    socket.destroy();
  }
}

async function* linesOf(socket: net.Socket): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}

const begins = (line: string, pattern: string): boolean => line.startsWith(pattern.replace(/\.\.\.$/, ''));

for (const [name, dialect] of Object.entries(DIALECTS)) {
  test(`SCRAM-SHA-256 at ${name}: offered, right, wrong, unknown`, async () => {
    await playTranscript(dialect.hello, {
      connect: () =>
        tls.connect({ port: dialect.port, host: '127.0.0.1', ca: t.ca, servername: 'localhost' }),
    });
    const right = await scram(dialect, new ScramClient(t.alice.address, t.alice.password));
    assert.ok(begins(right, dialect.ok), right);
    const wrong = await scram(dialect, new ScramClient(t.alice.address, 'wrong'));
    assert.ok(begins(wrong, dialect.denied), wrong);
    const unknown = await scram(dialect, new ScramClient('nobody@red.test', 'wrong'));
    assert.equal(unknown, wrong);
  });
}

test('who logged in by SCRAM may send as themselves and as nobody else', async () => {
  const submission = DIALECTS['submission']!;
  const alice = (): ScramClient => new ScramClient(t.alice.address, t.alice.password);
  assert.match(await scram(submission, alice(), 'MAIL FROM:<alice@red.test>'), /^250 2\.1\.0 /);
  assert.match(await scram(submission, alice(), 'MAIL FROM:<bob@blue.test>'), /^553 5\.7\.1 /);
  const door = t.submission(t.alice);
  const forged = message({ From: 'bob@blue.test', To: 'bob@blue.test' });
  assert.match((await t.send(door, 'alice@red.test', 'bob@blue.test', forged)) ?? '', /550 5\.7\.1/);
});

const connect = (port: number) => (): tls.TLSSocket =>
  tls.connect({ port, host: '127.0.0.1', ca: t.ca, servername: 'localhost' });

/** RFC 7628 §3.1; and what Google says of XOAUTH2. */
const BEARER: Readonly<Record<string, (user: string, token: string) => string>> = {
  OAUTHBEARER: (user, token) => `n,a=${user},\u0001auth=Bearer ${token}\u0001\u0001`,
  XOAUTH2: (user, token) => `user=${user}\u0001auth=Bearer ${token}\u0001\u0001`,
};

for (const [mechanism, response] of Object.entries(BEARER)) {
  test(`${mechanism}: a token of the issuer logs in at every door, a foreign one gets the error and then the refusal`, async () => {
    const b64 = (token: string): string => Buffer.from(response(t.alice.address, token)).toString('base64');
    const good = b64(issuer.token(t.alice.address));
    const bad = b64(issuer.token(t.bob.address));
    for (const { port, hello, auth, challenge, ok, denied } of Object.values(DIALECTS)) {
      const command = auth.replace('SCRAM-SHA-256', mechanism);
      await playTranscript(
        `${hello}\nC: ${command} ${bad}\nS: ${challenge}{error}\nC: AQ==\nS: ${denied}\nC: ${command} ${good}\nS: ${ok}`,
        { connect: connect(port) },
      );
    }
  });
}

test('an app password logs in by SCRAM where it may, and nowhere else', async () => {
  const { password } = await t.world.directory.call('app-passwords/add', {
    address: t.alice.address,
    label: 'phone',
    scopes: ['imap'],
  });
  const phone = (): ScramClient => new ScramClient(t.alice.address, password);
  const plain = Buffer.from(`\0${t.alice.address}\0${password}`).toString('base64');
  await playTranscript(`S: * OK ...\nC: a AUTHENTICATE PLAIN ${plain}\nS: a OK ...`, {
    connect: connect(ports.imaps),
  });
  await playTranscript(`${DIALECTS['submission']?.hello}\nC: AUTH PLAIN ${plain}\nS: 535 5.7.8 ...`, {
    connect: connect(ports.msas),
  });
  assert.ok(begins(await scram(DIALECTS['submission']!, phone()), '535 '));
});

test('who has sent as much as they may is told so at DATA, in words, and may send again when let', async () => {
  const address = t.bob.address;
  await t.world.directory.call('accounts/set-limits', { address, messagesPerHour: 1 });
  const text = message({ From: address, To: 'carol@elsewhere.test' });
  const send = (): Promise<string | undefined> =>
    t.send(t.submission(t.bob), address, 'carol@elsewhere.test', text);
  assert.equal(await send(), undefined);
  assert.match(
    (await send()) ?? '',
    /451 4\.7\.1 The limit of your account is reached: 1 messages per hour; try again in \d+ minutes/,
  );
  await t.world.directory.call('accounts/set-limits', { address, messagesPerHour: 0 });
  assert.equal(await send(), undefined);
  await t.world.directory.call('accounts/hold', { address, reason: 'looks stolen' });
  assert.match((await send()) ?? '', /451 4\.7\.1 Your account may not send for now/);
  await t.world.directory.call('accounts/release', { address });
  assert.equal(await send(), undefined);
});

test('a banned network hears a refusal in place of every greeting, until it is let in again', async () => {
  const greeting = async (port: number): Promise<string> => {
    const socket = net.connect(port, '127.0.0.1');
    try {
      return (await linesOf(socket).next()).value ?? '';
    } finally {
      socket.destroy();
    }
  };
  /** Bans are asked for every few seconds. */
  const until = async (port: number, start: string): Promise<string> => {
    for (;;) {
      const line = await greeting(port);
      if (line.startsWith(start)) return line;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await t.world.directory.call('bans/add', { network: '127.0.0.0/8', reason: 'tried by hand' });
  assert.match(await until(ports.msa, '554'), /^554 5\.7\.1 msa\.red\.test /);
  assert.match(await until(ports.imap, '* BYE'), /network/);
  assert.match(await until(ports.pop3, '-ERR'), /^-ERR \[SYS\/PERM\] /);
  await t.world.directory.call('bans/remove', { network: '127.0.0.0/8' });
  for (const [port, start] of [
    [ports.msa, '220 '],
    [ports.imap, '* OK'],
    [ports.pop3, '+OK'],
  ] as const)
    await until(port, start);
});
