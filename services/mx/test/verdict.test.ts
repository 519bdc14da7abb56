import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInner, Networks } from '@waybill/listener';
import { DnsLists, parseDnsLists } from '../src/gate/dns-lists.ts';
import { LostAddress } from '../src/gate/lost-address.ts';
import { Rates } from '../src/gate/rates.ts';
import { startWorld, type World } from './stub-world.ts';

const HELLO = `
  S: 220 mx.blue.test ESMTP Waybill
  C: EHLO client.red.test
  S: ...
  S: 250 DSN`;

/** One message whose last reply is `answer`. */
const send = (
  answer: string,
  recipients: readonly string[] = ['bob@blue.test'],
  ...lines: string[]
): string => `
  C: MAIL FROM:<alice@red.test>
  S: 250 2.1.0 ...
  ${recipients.map((one) => `C: RCPT TO:<${one}>\nS: 250 2.1.5 Recipient taken`).join('\n')}
  C: DATA
  S: 354 ...
  ${(lines.length > 0 ? lines : ['From: alice@red.test', '', 'x']).map((line) => `C: ${line}`).join('\n')}
  C: .
  S: ${answer}`;

const FORGED = {
  iprev: 'fail',
  spf: 'fail',
  dkim: ['fail'],
  dmarc: { result: 'fail', policy: 'reject' },
} as const;
const header = (world: World, at = 0): string =>
  (world.drafts[at]?.message.toString('latin1') ?? '').split('\r\n\r\n', 1)[0]?.replaceAll('\r\n\t', ' ') ??
  '';

test('who has no mail for anybody here has DNS asked nothing', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}
    C: MAIL FROM:<alice@red.test>
    S: 250 ...
    C: RCPT TO:<someone@elsewhere.test>
    S: 550 5.7.1 Relaying denied
    C: QUIT
    S: 221 ...`);
  assert.deepEqual(world.checks.asked, []);
});

test('every check is made, each as early as it can be', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}${send('250 2.0.0 ...')}`);
  assert.deepEqual(world.checks.asked, [
    'iprev 127.0.0.1',
    'spf 127.0.0.1 helo client.red.test',
    'spf 127.0.0.1 mailfrom alice@red.test',
    'dkim of 27 octets',
    'dmarc alice@red.test spf=none dkim=',
  ]);
});

test('for the null sender the name of HELO stands in, and is asked about once', async () => {
  await using world = await startWorld();
  await world.play(`${HELLO}${send('250 2.0.0 ...').replace('alice@red.test>', '>')}`);
  assert.deepEqual(
    world.checks.asked.filter((one) => one.startsWith('spf')),
    ['spf 127.0.0.1 helo client.red.test'],
  );
});

test('whoever changes its name without end has DNS asked no more often for it', async () => {
  await using world = await startWorld();
  const names = Array.from({ length: 20 }, (_, i) => `C: EHLO host${i}.test\nS: ...\nS: 250 DSN`).join('\n');
  await world.play(`S: 220 ...\n${names}\n${send('250 2.0.0 ...')}`);
  assert.deepEqual(
    world.checks.asked.filter((one) => one.includes(' helo ')),
    ['spf 127.0.0.1 helo host19.test'],
  );
});

test('what DMARC says to reject is rejected, with the reason and the id of its journey', async () => {
  await using world = await startWorld();
  world.checks.results = FORGED;
  await world.play(
    `${HELLO}${send('550 5.7.26 red.test asks to reject mail that fails DMARC (SPF fail, DKIM fail) (id {id})')}`,
  );
  assert.deepEqual(world.drafts, []);
  assert.match(
    world.events[0] ?? '',
    /^reject: red\.test asks .* \[PTR fail {2}SPF fail {2}DKIM fail red1 {2}DMARC fail \(p=reject\)\]$/,
  );
});

test('trouble is put off, never passed', async () => {
  await using world = await startWorld();
  world.checks.results = { ...FORGED, spf: 'temperror', dmarc: { result: 'temperror', policy: 'reject' } };
  await world.play(`${HELLO}${send('451 4.7.24 ...')}`);
  assert.deepEqual(world.drafts, []);
});

test('a check that does not end is trouble when its time is over, and takes none from DMARC', async () => {
  await using world = await startWorld(100_000, undefined, { patienceMs: 20 });
  world.checks.results = { ...FORGED, dkim: [], dmarc: { result: 'temperror', policy: 'reject' } };
  world.checks.silent = true;
  await world.play(
    `${HELLO}${send('451 4.7.24 The sender could not be checked (SPF temperror, DKIM none), ...')}`,
  );
});

test('junk says so in front of all, for our mda and for foreign ones', async () => {
  await using world = await startWorld();
  world.checks.results = { ...FORGED, dmarc: { result: 'fail', policy: 'quarantine' } };
  await world.play(`${HELLO}${send('250 2.0.0 ...')}`);
  assert.match(
    header(world),
    /^X-Waybill-Verdict: junk; red\.test asks to quarantine .*\r\nX-Spam-Flag: YES\r\nAuthentication-Results: mx\.blue\.test; .*\r\nReceived: /,
  );
});

test('the domain of the recipient decides, and of several the mildest', async () => {
  await using world = await startWorld();
  world.checks.results = FORGED;
  await world.play(`${HELLO}
    ${send('550 5.7.26 ...')}
    ${send('250 2.0.0 ...', ['easy@blue.test'])}
    ${send('250 2.0.0 ...', ['bob@blue.test', 'easy@blue.test'])}`);
  assert.equal(world.drafts.length, 2);
  for (const at of [0, 1]) assert.match(header(world, at), /^X-Waybill-Verdict: junk;/);
});

test('nobody else says what we found out, and all else stays octet for octet', async () => {
  await using world = await startWorld();
  const kept = [
    'Authentication-Results: other.test; spf=pass',
    'X-Spam-Flag: NO',
    'Received: from a by b; Tue, 24 Nov 2026 11:00:00 +0000',
    'Subject: odd  ',
    '\tfolded',
  ];
  await world.play(
    `${HELLO}${send(
      '250 2.0.0 ...',
      ['bob@blue.test'],
      'AUTHENTICATION-results : mx.blue.test;',
      '\tspf=pass',
      ...kept,
      'X-Waybill-Verdict: junk; for fun',
      'Authentication-Results: mx.blue.test 1; dkim=pass',
      'From: a@red.test',
      '',
      'Authentication-Results: mx.blue.test; in the body',
    )}`,
  );
  const text = world.drafts[0]?.message.toString('latin1') ?? '';
  const ours = text.indexOf('Authentication-Results: other.test');
  assert.equal(
    text.slice(ours),
    `${kept.join('\r\n')}\r\nFrom: a@red.test\r\n\r\nAuthentication-Results: mx.blue.test; in the body\r\n`,
  );
  assert.match(
    text.slice(0, ours),
    /^Authentication-Results: mx\.blue\.test;\r\n\tiprev=fail [^:]*\r\nReceived: from/,
  );
});

test('a header without end could hide such a field, and is refused', async () => {
  await using world = await startWorld();
  await world.play(
    `${HELLO}${send('554 5.6.0 ...', ['bob@blue.test'], ...Array.from({ length: 1000 }, () => 'a: b'), '', 'x')}`,
  );
});

test('a client that a list knows is refused before it sends its message', async () => {
  const lists = new DnsLists({
    names: {
      lookup: (name) =>
        Promise.resolve(
          name === '9.113.0.203.zen.test'
            ? { kind: 'found', records: ['127.0.0.2'] as never[], authenticated: false }
            : { kind: 'nxdomain' },
        ),
    },
    block: parseDnsLists('', 'zen.test'),
    allow: [],
    onTrouble: () => undefined,
  });
  await using world = await startWorld(100_000, undefined, { lists }, new Networks('127.0.0.0/8'));
  const from = (address: string): string =>
    `C raw: "PROXY TCP4 ${address} 192.0.2.25 4000 25\\r\\n"${HELLO}
    C: MAIL FROM:<alice@red.test>
    S: 250 2.1.0 ...
    C: RCPT TO:<bob@blue.test>
    S: 250 2.1.5 ...
    C: DATA`;
  await world.play(`${from('203.0.113.9')}
    S: 554 5.7.1 203.0.113.9 is listed by zen.test (id ...`);
  await world.play(`${from('203.0.113.10')}
    S: 354 ...`);
  assert.equal(world.events[0], 'reject: 203.0.113.9 is listed by zen.test');
});

test('with PROXY headers the right address stands in Received, in SPF and in limits', async () => {
  const [lost, messages] = [new LostAddress({ connections: 5, standIn: isInner }), new Rates(1)];
  await using world = await startWorld(100_000, undefined, { lost, messages }, new Networks('127.0.0.0/8'));
  world.checks.results = { ...world.checks.results, iprev: 'pass' };
  const from = (address: string): string => `C raw: "PROXY TCP4 ${address} 192.0.2.25 4000 25\\r\\n"${HELLO}`;
  for (let i = 0; i < 6; i++)
    await world.play(`${from(`203.0.${i}.5`)}${send('250 2.0.0 ...')}
      C: MAIL FROM:<alice@red.test>
      S: 451 4.7.1 ...`);
  assert.ok(world.checks.asked.includes('spf 203.0.5.5 mailfrom alice@red.test'));
  assert.match(header(world, 5), /Received: from client\.red\.test \(mail\.red\.test \[203\.0\.5\.5\]\)/);
  assert.equal(lost.lost, 0);
});

test('who is banned hears why, and nothing more', async () => {
  await using world = await startWorld();
  world.ban = 'password guessing';
  await world.play(`S: 554 5.7.1 No mail is taken from 127.0.0.1: password guessing\nS closed`);
  assert.deepEqual(world.events, ['banned: No mail is taken from 127.0.0.1: password guessing']);
  world.banEnds = Date.now() + 60_000;
  await world.play(`S: 421 4.7.1 No mail is taken from 127.0.0.1: password guessing\nS closed`);
});

test('who comes too often, or sends too much, comes again later', async () => {
  await using world = await startWorld(100_000, undefined, {
    connections: new Rates(2),
    messages: new Rates(3),
  });
  await world.play(`${HELLO}${send('250 2.0.0 ...')}${send('250 2.0.0 ...')}${send('250 2.0.0 ...')}
    C: MAIL FROM:<alice@red.test>
    S: 451 4.7.1 Too many messages from your address, try again later (id ...`);
  await world.play(HELLO);
  await world.play(`S: 421 4.7.1 Too many connections from your address, try again later\nS closed`);
});

test('whom no limit binds comes as often as it likes', async () => {
  await using world = await startWorld(100_000, undefined, {
    connections: new Rates(1),
    messages: new Rates(1),
    unlimited: new Networks('127.0.0.0/8'),
  });
  for (let i = 0; i < 3; i++) await world.play(`${HELLO}${send('250 2.0.0 ...')}`);
});

test('a lost address is used for nothing, nothing is relayed for it, and nobody is banned by it', async () => {
  const lost = new LostAddress({ connections: 5, standIn: isInner });
  await using world = await startWorld(100_000, undefined, { lost, messages: new Rates(1) });
  for (let i = 0; i < 5; i++)
    await world.play(`S: 220 ...\nC: EHLO host${i}.test\nS: ...\nS: 250 DSN\nC: QUIT\nS: 221 ...`);
  world.ban = 'somebody behind the same proxy';
  world.checks.results = { ...FORGED, dkim: [] };
  world.checks.asked.length = 0;
  const relaying = `
    C: MAIL FROM:<alice@red.test>
    S: 250 ...
    C: RCPT TO:<someone@elsewhere.test>
    S: 550 5.7.1 Relaying denied
    C: RSET
    S: 250 ...`;
  await world.play(`${HELLO}${send('250 2.0.0 ...')}${send('250 2.0.0 ...')}${relaying}`);
  assert.deepEqual(world.checks.asked.slice(0, 2), [
    'spf hidden helo client.red.test',
    'spf hidden mailfrom alice@red.test',
  ]);
  assert.match(header(world), /^X-Waybill-Verdict: junk; .* the client address is hidden\r\n/);
  assert.deepEqual(
    world.events.filter((one) => one.includes('lost') || one.startsWith('self-test')),
    ['127.0.0.1 lost', 'self-test refused: 550 5.7.1 Relaying denied'],
  );
});
