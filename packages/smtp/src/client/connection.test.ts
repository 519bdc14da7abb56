import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CertificateAuthority, startSmtpHost, type SmtpHost, type SmtpHostOptions } from '@waybill/lab';
import type { Recipient, Transaction } from './commands.ts';
import type { SmtpConnection } from './connection.ts';
import { openConnection, type OpenOptions } from './open.ts';
import type { RecipientOutcome } from './outcome.ts';

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const authority = await CertificateAuthority.create('test');
const issued = await authority.issue(['mda', 'localhost']);
const secure = { cert: issued.certificate, key: issued.key, ca: authority.certificate };

async function host(options: SmtpHostOptions = {}): Promise<SmtpHost> {
  return resources.use(await startSmtpHost(options));
}

function optionsFor(peer: SmtpHost, more: Partial<OpenOptions> = {}): OpenOptions {
  return {
    host: '127.0.0.1',
    port: peer.port,
    name: 'localhost',
    protocol: 'smtp',
    helloName: 'client.test',
    tls: 'none',
    transcript: true,
    ...more,
  };
}

async function open(peer: SmtpHost, more: Partial<OpenOptions> = {}): Promise<SmtpConnection> {
  const result = await openConnection(optionsFor(peer, more));
  assert.equal(result.kind, 'open', JSON.stringify(result));
  return (result as { connection: SmtpConnection }).connection;
}

function to(...addresses: string[]): Recipient[] {
  return addresses.map((address) => ({ address }));
}

function message(recipients: Recipient[], more: Partial<Transaction> = {}): Transaction {
  return {
    from: 'a@client.test',
    parameters: { smtputf8: false },
    recipients,
    body: Buffer.from('Subject: x\r\n\r\n.dot\r\n'),
    ...more,
  };
}

function brief(outcomes: readonly RecipientOutcome[]): string[] {
  return outcomes.map((o) => {
    if (o.kind === 'replied') return `${o.phase} ${o.reply.code}`;
    if (o.kind === 'lost') return `lost ${o.phase}${o.unknown ? ' unknown' : ''}`;
    return o.kind;
  });
}

test('a message arrives octet for octet, each recipient with its own reply', async () => {
  const peer = await host({
    script: ({ phase, line }) => (phase === 'rcpt' && line.includes('<no@') ? '550 5.1.1 nobody' : undefined),
  });
  const connection = await open(peer);
  const outcomes = await connection.send(message(to('yes@x.test', 'no@x.test')));
  assert.deepEqual(brief(outcomes), ['message 250', 'rcpt 550']);
  assert.equal(peer.messages[0]?.content, 'Subject: x\r\n\r\n.dot\r\n');
  assert.match(connection.transcript, /S: 550 5\.1\.1 nobody/);
  connection.retire();
  await peer.until((p) => p.lines.at(-1)?.line === 'QUIT');
});

test('with pipelining the next message leaves behind the dot, before its reply', async () => {
  let hold: (() => void) | undefined;
  const held = new Promise<string | undefined>((resolve) => (hold = () => resolve(undefined)));
  const peer = await host({
    script: ({ phase, message: m }) =>
      phase === 'message' && m?.rcpts[0]?.includes('one') ? held : undefined,
  });
  const connection = await open(peer);
  const sent = ['one@x.test', 'two@x.test', 'three@x.test'].map((a) => connection.send(message(to(a))));
  await peer.until((p) => p.messages.length === 1);
  assert.match(connection.transcript, /octets[^]*RCPT TO:<two@x\.test>/);
  hold?.();
  for (const one of await Promise.all(sent)) assert.deepEqual(brief(one), ['message 250']);
  assert.equal(peer.messages.length, 3);
  assert.equal(connection.load, 0);
  connection.retire();
});

test('without pipelining each command waits for its reply', async () => {
  const peer = await host({
    offers: [],
    script: ({ phase, line }) => (phase === 'rcpt' && line.includes('no@') ? '450 4.2.0 later' : undefined),
  });
  const connection = await open(peer);
  const both = await Promise.all([
    connection.send(message(to('no@x.test'))),
    connection.send(message(to('a@x.test', 'no@x.test', 'b@x.test'))),
  ]);
  assert.deepEqual(both.map(brief), [['rcpt 450'], ['message 250', 'rcpt 450', 'message 250']]);
  assert.ok(peer.lines.some(({ line }) => line === 'RSET'));
  connection.retire();
});

test('refusals at MAIL and DATA count for everybody, and the next message is not hurt', async () => {
  let turn = 0;
  const peer = await host({
    script: ({ phase }) => {
      if (phase === 'mail' && turn++ === 0) return '451 4.3.0 not now';
      return phase === 'data' && turn === 2 ? '554 5.6.0 never' : undefined;
    },
  });
  const connection = await open(peer);
  const all = await Promise.all([1, 2, 3].map(() => connection.send(message(to('a@x.test', 'b@x.test')))));
  assert.deepEqual(all.map(brief), [
    ['mail 451', 'mail 451'],
    ['data 554', 'data 554'],
    ['message 250', 'message 250'],
  ]);
  connection.retire();
});

test('421 in the middle is the answer for everybody open; what was not begun is given back', async () => {
  const peer = await host({
    script: ({ phase, line }) =>
      phase === 'rcpt' && line.includes('b@') ? '421 4.3.2 shutting down' : undefined,
  });
  const connection = await open(peer);
  const all = await Promise.all([
    connection.send(message(to('a@x.test', 'b@x.test', 'c@x.test'))),
    connection.send(message(to('d@x.test'))),
  ]);
  assert.deepEqual(all.map(brief), [
    ['data 421', 'rcpt 421', 'data 421'].map((x) => x.replace('data', 'rcpt')),
    ['lost queued'],
  ]);
  assert.equal(connection.usable, false);
});

test('a connection lost after the dot leaves the outcome unknown, before it does not', async () => {
  const afterDot = await open(
    await host({ script: ({ phase }) => (phase === 'message' ? 'drop' : undefined) }),
  );
  assert.deepEqual(brief(await afterDot.send(message(to('a@x.test')))), ['lost message unknown']);
  const atData = await open(await host({ script: ({ phase }) => (phase === 'data' ? 'drop' : undefined) }));
  assert.deepEqual(brief(await atData.send(message(to('a@x.test')))), ['lost data']);
  assert.deepEqual(brief(await atData.send(message(to('a@x.test')))), ['lost queued']);
});

test('a phase may take no longer than its timeout', async () => {
  const peer = await host({ script: ({ phase }) => (phase === 'message' ? 'silence' : undefined) });
  const connection = await open(peer, { timeouts: { dot: 40 } });
  const [outcome] = await connection.send(message(to('a@x.test')));
  assert.deepEqual(brief([outcome as RecipientOutcome]), ['lost message unknown']);
  assert.match((outcome as { cause: string }).cause, /timeout/);
});

test('the fence is asked when the content is out, and no dot follows a no', async () => {
  const peer = await host();
  const connection = await open(peer);
  const yes = await connection.send(message(to('a@x.test'), { beforeDot: () => Promise.resolve(true) }));
  assert.deepEqual(brief(yes), ['message 250']);
  const no = await connection.send(message(to('a@x.test'), { beforeDot: () => Promise.resolve(false) }));
  assert.deepEqual(brief(no), ['fenced']);
  const failing = await open(peer);
  const fault = await failing.send(
    message(to('a@x.test'), { beforeDot: () => Promise.reject(new Error('away')) }),
  );
  assert.deepEqual(brief(fault), ['fenced']);
  assert.equal(peer.messages.length, 1);
});

test('LMTP answers for every accepted recipient, and what comes after a drop is unknown', async () => {
  const peer = await host({
    protocol: 'lmtp',
    offers: ['PIPELINING', 'XWAYBILL'],
    script: ({ phase, line }) => {
      if (phase === 'message' && line.includes('full')) return '452 4.2.2 full';
      return phase === 'message' && line.includes('crash') ? 'drop' : undefined;
    },
  });
  const connection = await open(peer, { protocol: 'lmtp' });
  const recipient = {
    address: 'a@x.test',
    parameters: { deliveryId: 'd1', accountId: '7', journeyId: 'j1' },
  };
  const outcomes = await connection.send(message([recipient, ...to('full@x.test', 'crash@x.test')]));
  assert.deepEqual(brief(outcomes), ['message 250', 'message 452', 'lost message unknown']);
  assert.ok(peer.lines.some(({ line }) => line === 'RCPT TO:<a@x.test> XDELIVERY=d1 XACCOUNT=7 XJOURNEY=j1'));
});

test('parameters are said only to those who offered to understand them', async () => {
  const notify = { never: false, success: false, failure: true, delay: true };
  const recipient = {
    address: 'a@x.test',
    parameters: { notify, orcpt: 'rfc822;ü+=@x.test', deliveryId: 'd1' },
  };
  const parameters = { smtputf8: true, ret: 'HDRS' as const, envid: 'a b' };
  const all = await host({ offers: ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'SIZE 1000'] });
  const full = await open(all);
  await full.send(message([recipient], { parameters }));
  const said = all.lines.map(({ line }) => line);
  assert.ok(
    said.includes('MAIL FROM:<a@client.test> SIZE=20 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+20b'),
    said.join('\n'),
  );
  assert.ok(
    said.includes('RCPT TO:<a@x.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;+C3+BC+2B+3D@x.test'),
    said.join('\n'),
  );
  full.retire();
  const none = await host({ offers: [] });
  const bare = await open(none);
  await bare.send(message([recipient], { parameters }));
  assert.ok(none.lines.some(({ line }) => line === 'MAIL FROM:<a@client.test>'));
  assert.ok(none.lines.some(({ line }) => line === 'RCPT TO:<a@x.test>'));
  bare.retire();
});

test('what a host cannot take is not sent', async () => {
  const peer = await host({ offers: ['SIZE 10'] });
  const connection = await open(peer);
  const codes = async (t: Transaction): Promise<string[]> =>
    (await connection.send(t)).map((o) => (o.kind === 'unsuitable' ? o.reply.enhanced : o.kind));
  assert.deepEqual(await codes(message(to('a@x.test'))), ['5.3.4']);
  const small = { body: Buffer.from('x\r\n') };
  assert.deepEqual(await codes(message(to('ü@x.test'), { ...small, parameters: { smtputf8: true } })), [
    '5.6.7',
  ]);
  assert.deepEqual(await codes(message(to('a@x.test>\r\nRSET'), small)), ['5.1.3']);
  assert.deepEqual(await codes(message(to('a@x.test'), { ...small, parameters: { smtputf8: true } })), [
    'replied',
  ]);
  assert.ok(!peer.lines.some(({ line }) => line.includes('RSET')));
  connection.retire();
});

test('a host that knows only HELO is greeted with it', async () => {
  const peer = await host({ script: ({ line }) => (line.startsWith('EHLO') ? '500 what?' : undefined) });
  const connection = await open(peer, { tls: 'opportunistic' });
  assert.deepEqual(brief(await connection.send(message(to('a@x.test')))), ['message 250']);
  connection.retire();
});

test('no connection is a value that names the phase', async () => {
  const fails = async (options: SmtpHostOptions, more: Partial<OpenOptions> = {}): Promise<string> => {
    const result = await openConnection(optionsFor(await host(options), more));
    assert.equal(result.kind, 'failed');
    const { failure } = result as { failure: { phase: string; reply?: { code: number } } };
    return `${failure.phase} ${failure.reply?.code ?? ''}`;
  };
  assert.equal(await fails({ script: () => '554 5.3.2 go away' }), 'greeting 554');
  assert.equal(await fails({ script: () => 'nonsense' }), 'greeting ');
  assert.equal(await fails({ script: () => 'silence' }, { timeouts: { greeting: 30 } }), 'greeting ');
  assert.equal(
    await fails({ script: ({ phase }) => (phase === 'hello' ? '450 4.3.0 busy' : undefined) }),
    'hello 450',
  );
  assert.equal(await fails({}, { tls: 'required' }), 'tls ');
  const gone = await host();
  await gone[Symbol.asyncDispose]();
  const result = await openConnection(optionsFor(gone));
  assert.deepEqual(result.kind === 'failed' && result.failure, { phase: 'connect', cause: 'ECONNREFUSED' });
});

test('STARTTLS with certificates of both sides', async () => {
  const peer = await host({ tls: { ...secure, requestCert: true } });
  const credentials = { ca: authority.certificate, cert: issued.certificate, key: issued.key };
  const more = { tls: 'required', verify: true, credentials } as const;
  const connection = await open(peer, { ...more, servername: 'mda' });
  assert.equal(connection.tls, 'TLSv1.3');
  assert.deepEqual(brief(await connection.send(message(to('a@x.test')))), ['message 250']);
  connection.retire();
  const wrongName = await openConnection(optionsFor(peer, { ...more, servername: 'msa' }));
  assert.equal(wrongName.kind === 'failed' && wrongName.failure.phase, 'tls');
});

test('opportunistic TLS takes any certificate, and goes on in clear when the handshake fails', async () => {
  const unverified = await open(await host({ tls: secure }), { tls: 'opportunistic' });
  assert.equal(unverified.tls, 'TLSv1.3');
  unverified.retire();
  const broken = await host({
    tls: secure,
    script: ({ phase }) => (phase === 'starttls' ? '220 now\n250 injected' : undefined),
  });
  const clear = await open(broken, { tls: 'opportunistic' });
  assert.equal(clear.tls, undefined);
  clear.retire();
});

test('implicit TLS and AUTH, whose secrets no transcript shows', async () => {
  const peer = await host({
    tls: { ...secure, implicit: true },
    offers: ['AUTH LOGIN'],
    script: ({ phase, line }) =>
      phase === 'auth' && line !== Buffer.from('secret').toString('base64') ? '334 VXNlcm5hbWU6' : undefined,
  });
  const auth = { username: 'u', password: 'secret' };
  const connection = await open(peer, { tls: 'implicit', auth });
  assert.ok(peer.lines.some(({ line }) => line === Buffer.from('secret').toString('base64')));
  assert.ok(!connection.transcript.includes(Buffer.from('secret').toString('base64')));
  connection.retire();
});
