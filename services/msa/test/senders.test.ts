/** Who may be named as a sender: every form in which an authenticated writer could pass for somebody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base64, startWorld } from './stub-world.ts';

/** alice@red.test owns alice@red.test, sales@red.test and "a b"@red.test, nothing else. */
const OWN = '250 2.0.0 ...';
const NOT_OWN = '550 5.7.1 ...';
const UNCLEAR = '550 5.6.0 ...';

const FORMS: readonly (readonly [string, readonly string[], string])[] = [
  // From
  ['an own address', ['From: alice@red.test'], OWN],
  ['an own alias with a name', ['From: Sales <sales@red.test>'], OWN],
  ['own, in capitals of the domain', ['From: <alice@RED.TEST>'], OWN],
  ['own, quoted', ['From: "a b"@red.test'], OWN],
  ['a stranger', ['From: bob@blue.test'], NOT_OWN],
  ['a stranger of our domain', ['From: ceo@red.test'], NOT_OWN],
  ['a stranger behind an own name', ['From: "alice@red.test" <bob@blue.test>'], NOT_OWN],
  ['a stranger behind an own comment', ['From: bob@blue.test (alice@red.test)'], NOT_OWN],
  ['a comment within a stranger', ['From: bob(alice@red.test)@blue.test'], NOT_OWN],
  ['a comment before an own one', ['From: (bob@blue.test) alice@red.test'], OWN],
  ['a stranger, then own', ['From: bob@blue.test, alice@red.test'], NOT_OWN],
  ['own, then a stranger', ['From: alice@red.test, bob@blue.test', 'Sender: alice@red.test'], NOT_OWN],
  ['two without a comma', ['From: alice@red.test bob@blue.test'], NOT_OWN],
  ['one before the brackets of another', ['From: bob@blue.test <alice@red.test>'], NOT_OWN],
  ['two pairs of brackets', ['From: <alice@red.test> <bob@blue.test>'], NOT_OWN],
  ['a stranger on a folded line', ['From: alice@red.test,', '\tbob@blue.test'], NOT_OWN],
  ['a stranger in a group', ['From: us: alice@red.test, bob@blue.test;'], NOT_OWN],
  ['own ones in a group', ['From: us: alice@red.test;'], OWN],
  ['an empty group', ['From: us:;'], UNCLEAR],
  ['a stranger as an encoded word', ['From: =?utf-8?q?bob=40blue=2Etest?='], UNCLEAR],
  ['own as an encoded name of a stranger', ['From: =?utf-8?q?alice=40red=2Etest?= <bob@blue.test>'], NOT_OWN],
  ['an encoded word within the brackets', ['From: <=?utf-8?q?alice?=@red.test>'], NOT_OWN],
  ['an encoded name of an own one', ['From: =?utf-8?q?Alice?= <alice@red.test>'], OWN],
  ['a route over a stranger', ['From: <@blue.test:alice@red.test>'], UNCLEAR],
  ['a route to a stranger', ['From: <@red.test:bob@blue.test>'], UNCLEAR],
  ['two @', ['From: alice@red.test@blue.test'], UNCLEAR],
  ['percent', ['From: bob%blue.test@red.test'], NOT_OWN],
  ['bang', ['From: blue.test!bob@red.test'], NOT_OWN],
  // Which local parts are the same is auth's to say; here none are.
  ['own but for case', ['From: ALICE@red.test'], NOT_OWN],
  ['a look-alike domain', ['From: alice@r\u0435d.test'], NOT_OWN],
  ['a domain below ours', ['From: alice@mail.red.test'], NOT_OWN],
  ['no domain', ['From: alice'], UNCLEAR],
  ['a literal', ['From: alice@[192.0.2.1]'], NOT_OWN],
  ['the null sender', ['From: <>'], UNCLEAR],
  ['no From', ['Subject: x'], UNCLEAR],
  ['an empty From', ['From:'], UNCLEAR],
  ['two From fields', ['From: alice@red.test', 'From: alice@red.test'], UNCLEAR],
  ['a second From of a stranger', ['From: alice@red.test', 'fROM : bob@blue.test'], UNCLEAR],
  ['a From with a space before its colon', ['From : bob@blue.test'], NOT_OWN],
  [
    'more than 100',
    [`From: ${Array.from({ length: 101 }, (_, i) => `a${i}@red.test`).join(',\r\n ')}`],
    UNCLEAR,
  ],
  // Sender
  ['a Sender of our own', ['From: alice@red.test', 'Sender: sales@red.test'], OWN],
  ['a Sender that is a stranger', ['From: alice@red.test', 'Sender: bob@blue.test'], NOT_OWN],
  ['a stranger with an own Sender', ['From: bob@blue.test', 'Sender: alice@red.test'], NOT_OWN],
  ['two addresses in Sender', ['From: alice@red.test', 'Sender: alice@red.test, sales@red.test'], UNCLEAR],
  ['two Sender fields', ['From: alice@red.test', 'Sender: alice@red.test', 'Sender: bob@blue.test'], UNCLEAR],
  ['an unreadable Sender', ['From: alice@red.test', 'Sender: alice'], UNCLEAR],
  // Resent-*
  ['sent again by us', ['Resent-From: alice@red.test', 'From: alice@red.test'], OWN],
  ['sent again by a stranger', ['Resent-From: bob@blue.test', 'From: alice@red.test'], NOT_OWN],
  ['a stranger’s, sent again by us', ['Resent-From: alice@red.test', 'From: bob@blue.test'], NOT_OWN],
  [
    'a second sending again by a stranger',
    ['Resent-From: alice@red.test', 'Resent-From: bob@blue.test', 'From: alice@red.test'],
    NOT_OWN,
  ],
  ['Resent-Sender a stranger', ['Resent-Sender: bob@blue.test', 'From: alice@red.test'], NOT_OWN],
  ['Resent-Sender two', ['Resent-Sender: alice@red.test, sales@red.test', 'From: alice@red.test'], UNCLEAR],
];

const LOGIN = `
  S: 220 ...
  C: EHLO client.test
  S: ...
  S: 250 AUTH PLAIN LOGIN
  C: AUTH PLAIN ${base64('\0alice@red.test\0sesame')}
  S: 235 ...`;

test('MAIL FROM: 553 5.7.1 for all that is not the account’s', async () => {
  await using world = await startWorld();
  const forms: readonly (readonly [string, string])[] = [
    ['<alice@red.test>', '250 2.1.0 ...'],
    ['<sales@RED.test>', '250 2.1.0 ...'],
    ['<"a b"@red.test>', '250 2.1.0 ...'],
    // RFC 5321 appendix C: a route is passed over, and goes no further.
    ['<@blue.test:alice@red.test>', '250 2.1.0 ...'],
    ['<bob@blue.test>', '553 5.7.1 ...'],
    ['<ceo@red.test>', '553 5.7.1 ...'],
    ['<@red.test:bob@blue.test>', '553 5.7.1 ...'],
    ['<"alice@red.test"@blue.test>', '553 5.7.1 ...'],
    ['<bob%blue.test@red.test>', '553 5.7.1 ...'],
    ['<alice@[127.0.0.1]>', '553 5.7.1 ...'],
    ['<ALICE@red.test>', '553 5.7.1 ...'],
  ];
  for (const [path, answer] of forms)
    await world.play(`${LOGIN}
      C: MAIL FROM:${path}
      S: ${answer}
      C: QUIT
      S: 221 ...`);
});

test(`${FORMS.length} forms of From, Sender and Resent-From`, async () => {
  for (const [name, header, answer] of FORMS) {
    await using world = await startWorld();
    const lines = header.flatMap((line) => line.split('\r\n')).map((line) => `C: ${line}`);
    await assert.doesNotReject(
      world.play(`${LOGIN}
        C: MAIL FROM:<alice@red.test> SMTPUTF8
        S: 250 ...
        C: RCPT TO:<bob@blue.test>
        S: 250 ...
        C: DATA
        S: 354 ...
        ${lines.join('\n')}
        C: To: bob@blue.test
        C:
        C: text
        C: .
        S: ${answer}`),
      name,
    );
    assert.equal(world.drafts.length, answer === OWN ? 1 : 0, name);
    // All of them in one question, beside that for MAIL.
    assert.ok(world.auth.senders.length <= 2, name);
  }
});

test('several authors get the Sender that RFC 5322 wants', async () => {
  await using world = await startWorld();
  await world.play(`${LOGIN}
    C: MAIL FROM:<alice@red.test>
    C: RCPT TO:<bob@blue.test>
    C: DATA
    S: ...
    S: 354 ...
    C: From: sales@red.test, alice@red.test
    C:
    C: text
    C: .
    S: 250 2.0.0 ...`);
  assert.match(world.drafts[0]?.message.toString() ?? '', /\r\nSender: alice@red\.test\r\n/);
});

test('what claims to come from our own hosts is taken off, all else stays', async () => {
  await using world = await startWorld();
  await world.play(`${LOGIN}
    C: MAIL FROM:<alice@red.test>
    C: RCPT TO:<bob@blue.test>
    C: DATA
    S: ...
    S: 354 ...
    C: X-Waybill-Verdict: accept
    C: Authentication-Results: msa.red.test; dkim=pass
    C: Authentication-Results: (comment (of two)) mx.RED.test 1;
    C:  spf=pass
    C: authentication-results : "red.test"; dmarc=pass
    C: Authentication-Results:
    C: Authentication-Results: elsewhere.test; spf=pass
    C: Authentication-Results: infrared.test; spf=pass
    C: From: alice@red.test
    C: x-waybill-anything: 1
    C:
    C: X-Waybill-Verdict: text
    C: .
    S: 250 2.0.0 ...`);
  const text = world.drafts[0]?.message.toString() ?? '';
  assert.equal(
    text.slice(text.indexOf('Authentication-Results')),
    [
      'Authentication-Results: elsewhere.test; spf=pass',
      'Authentication-Results: infrared.test; spf=pass',
      'From: alice@red.test',
      '',
      'X-Waybill-Verdict: text',
      '',
    ].join('\r\n'),
  );
});
