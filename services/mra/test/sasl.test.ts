/** Mechanisms that auth conducts, as IMAP and POP3 carry them: steps, refusals, cancelling, bounds. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { openMemoryBed } from './bed.ts';
import type { ImapClient } from './imap-client.ts';
import { Client, Inbox, open } from './pop3-bed.ts';
import { b64 } from './scripted-sasl.ts';

/** Sends a command and the answers to the challenges that follow; gives back challenges and the tagged line. */
async function converse(client: ImapClient, command: string, answers: readonly string[]): Promise<string[]> {
  const said: string[] = [];
  const tag = client.send(command);
  for (const answer of answers) {
    said.push(await client.line());
    client.write(`${answer}\r\n`);
  }
  said.push((await client.answer(tag)).tagged);
  return said;
}

suite('IMAP', () => {
  test('SCRAM goes three ways, with an initial response and without, and auth hears each step with its state', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    const [first, second, last] = await converse(
      client,
      `AUTHENTICATE SCRAM-SHA-256 ${b64('n,,n=alice,r=x')}`,
      [b64('proof'), ''],
    );
    assert.equal(first, `+ ${b64('server of n,,n=alice,r=x')}`);
    assert.equal(second, `+ ${b64('v=server')}`);
    assert.match(last ?? '', /^OK \[CAPABILITY IMAP4rev1 .*\] Logged in$/);
    assert.deepEqual(
      bed.sasl.asked.map(({ mechanism, response, state, protocol }) => [
        mechanism,
        response,
        state,
        protocol,
      ]),
      [
        ['SCRAM-SHA-256', b64('n,,n=alice,r=x'), undefined, 'imap'],
        ['SCRAM-SHA-256', b64('proof'), 'sealed n,,n=alice,r=x', 'imap'],
        ['SCRAM-SHA-256', '', 'proved', 'imap'],
      ],
    );
    const late = await bed.connect();
    const said = await converse(late, 'authenticate scram-sha-256', [
      b64('n,,n=alice,r=y'),
      b64('proof'),
      '',
    ]);
    assert.equal(said[0], '+ ');
    assert.match(said[3] ?? '', /^OK/);
    assert.deepEqual(bed.complaints, []);
  });

  test('a bearer token is taken; a bad one gets the error, and after the client’s answer the refusal', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
      const said = await converse(client, `AUTHENTICATE ${mechanism} ${b64('bad token')}`, ['AQ==']);
      assert.deepEqual(said, [
        `+ ${b64('{"status":"invalid_token"}')}`,
        'NO [AUTHENTICATIONFAILED] Authentication failed',
      ]);
    }
    await client.ok(`AUTHENTICATE OAUTHBEARER ${b64('good token')}`);
  });

  test('all refusals read alike, whatever the mechanism', async () => {
    await using bed = await openMemoryBed();
    const told = new Set<string>();
    const [scram, plain, login] = [await bed.connect(), await bed.connect(), await bed.connect()];
    told.add(
      (await converse(scram, `AUTHENTICATE SCRAM-SHA-256 ${b64('n,,n=nobody,r=x')}`, [b64('wrong')])).at(-1)!,
    );
    told.add((await plain.command(`AUTHENTICATE PLAIN ${b64('\0nobody\0x')}`)).tagged);
    told.add((await plain.command(`AUTHENTICATE PLAIN ${b64('bob\0alice@red.test\0secret')}`)).tagged);
    told.add((await login.command('LOGIN alice@red.test wrong')).tagged);
    assert.deepEqual([...told], ['NO [AUTHENTICATIONFAILED] Authentication failed']);
  });

  test('the third refusal ends the session, over all mechanisms', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    await converse(client, `AUTHENTICATE SCRAM-SHA-256 ${b64('n,,n=a,r=x')}`, [b64('wrong')]);
    await client.command('LOGIN alice@red.test wrong');
    await converse(client, `AUTHENTICATE OAUTHBEARER ${b64('bad')}`, ['AQ==']);
    assert.match(await client.line(), /^\* BYE/);
    await client.closed();
  });

  test('a client may give up, and what is no response is BAD; auth away is UNAVAILABLE', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    const tells = async (initial: string, ...answers: string[]): Promise<string> =>
      (await converse(client, `AUTHENTICATE SCRAM-SHA-256 ${initial}`.trim(), answers)).at(-1)!;
    assert.match(await tells(b64('n,,n=a,r=x'), '*'), /^BAD Authentication was cancelled/);
    assert.match(await tells('', '%%%'), /^BAD/);
    assert.match(await tells(b64('nonsense')), /^BAD/);
    assert.match(await tells(b64('away')), /^NO \[UNAVAILABLE\]/);
    assert.match(await tells('', 'A'.repeat(12_292)), /^BAD/);
    assert.equal(
      (await client.command('AUTHENTICATE CRAM-MD5')).tagged,
      'NO [CANNOT] This mechanism is not offered',
    );
    assert.match(await tells(b64('n,,n=a,r=x'), b64('proof'), ''), /^OK/);
  });

  test('who breaks off exchange after exchange is sent away', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    for (let n = 1; n < 10; n += 1)
      assert.match((await client.command(`AUTHENTICATE SCRAM-SHA-256 ${b64('nonsense')}`)).tagged, /^BAD/);
    client.send('AUTHENTICATE PLAIN !!!!');
    client.send(`AUTHENTICATE SCRAM-SHA-256 ${b64('nonsense')}`);
    for (let line = ''; !line.startsWith('* BYE'); line = await client.line());
    await client.closed();
  });

  test('a token of many octets is taken whole', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    const token = b64('t'.repeat(9_000));
    await converse(client, `AUTHENTICATE OAUTHBEARER ${token}`, ['AQ==']);
    assert.equal(bed.sasl.asked[0]?.response, token);
  });

  test('only what the operator lists is offered; without passwords LOGIN is not either', async () => {
    await using bed = await openMemoryBed({ mechanisms: ['SCRAM-SHA-256', 'OAUTHBEARER'] });
    const client = await bed.connect();
    const [line = ''] = await client.ok('CAPABILITY');
    assert.equal(line, '* CAPABILITY IMAP4rev1 SASL-IR ID AUTH=SCRAM-SHA-256 AUTH=OAUTHBEARER LOGINDISABLED');
    assert.match((await client.command('LOGIN alice@red.test secret')).tagged, /^NO \[CANNOT\]/);
    assert.match((await client.command(`AUTHENTICATE PLAIN ${b64('\0a\0b')}`)).tagged, /^NO \[CANNOT\]/);
    await client.ok(`AUTHENTICATE OAUTHBEARER ${b64('good token')}`);
  });

  test('a client that leaves between the steps leaves nothing behind', async () => {
    await using bed = await openMemoryBed();
    const client = await bed.connect();
    client.send(`AUTHENTICATE SCRAM-SHA-256 ${b64('n,,n=a,r=x')}`);
    await client.line();
    client.socket.destroy();
    await bed.login();
    assert.deepEqual(bed.complaints, []);
  });
});

suite('POP3', () => {
  test('SCRAM goes three ways, with an initial response and without', async () => {
    const { port, events } = await open(new Inbox(['x']));
    const first = await Client.connect(port);
    assert.equal(
      await first.ask(`AUTH SCRAM-SHA-256 ${b64('n,,n=alice,r=x')}`),
      `+ ${b64('server of n,,n=alice,r=x')}`,
    );
    assert.equal(await first.ask(b64('proof')), `+ ${b64('v=server')}`);
    assert.equal(await first.ask(''), '+OK 1 messages, 31 octets');
    const second = await Client.connect(port);
    assert.equal(await second.ask('auth scram-sha-256'), '+ ');
    assert.match(await second.ask(b64('n,,n=alice,r=x')), /^\+ ./);
    assert.match(await second.ask(b64('proof')), /^\+ ./);
    assert.match(await second.ask(''), /^\+OK/);
    assert.deepEqual(events, ['in alice@red.test TLSv1.3', 'in alice@red.test TLSv1.3']);
  });

  test('LOGIN asks twice', async () => {
    const { port } = await open(new Inbox(['x']));
    const client = await Client.connect(port);
    assert.equal(await client.ask('AUTH LOGIN'), `+ ${b64('Username:')}`);
    assert.equal(await client.ask(b64('alice@red.test')), `+ ${b64('Password:')}`);
    assert.match(await client.ask(b64('se cret')), /^\+OK/);
  });

  test('refusals read alike; the client may give up; auth away may be tried again', async () => {
    const { port } = await open(new Inbox([]));
    const denied = '-ERR [AUTH] This name and password do not fit';
    const one = await Client.connect(port);
    await one.ask(`AUTH SCRAM-SHA-256 ${b64('n,,n=nobody,r=x')}`);
    assert.equal(await one.ask(b64('wrong')), denied);
    assert.equal(await one.ask(`AUTH XOAUTH2 ${b64('bad')}`), `+ ${b64('{"status":"invalid_token"}')}`);
    assert.equal(await one.ask(''), denied);
    const two = await Client.connect(port);
    await two.ask(`AUTH SCRAM-SHA-256 ${b64('n,,n=a,r=x')}`);
    assert.equal(await two.ask('*'), '-ERR Authentication cancelled');
    assert.match(await two.ask(`AUTH OAUTHBEARER ${b64('away')}`), /^-ERR \[SYS\/TEMP\]/);
    assert.match(await two.ask(`AUTH SCRAM-SHA-256 ${b64('nonsense')}`), /^-ERR This is not/);
    assert.match(await two.ask(`AUTH OAUTHBEARER ${b64('good token')}`), /^\+OK/);
  });

  test('without passwords neither USER nor PLAIN is offered', async () => {
    const { port } = await open(new Inbox([]), { mechanisms: ['SCRAM-SHA-256'] });
    const client = await Client.connect(port);
    await client.ask('CAPA');
    const names = await client.lines();
    assert.ok(names.includes('SASL SCRAM-SHA-256') && !names.includes('USER'), names.join());
    assert.equal(await client.ask('USER alice@red.test'), '-ERR Passwords are not taken here, use AUTH');
    assert.equal(await client.ask(`AUTH PLAIN ${b64('\0a\0b')}`), '-ERR This mechanism is not offered');
  });
});
