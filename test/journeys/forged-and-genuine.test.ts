import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import test, { after } from 'node:test';
import { promisify } from 'node:util';
import { ImapClient, type LabUser } from '@waybill/lab';
import { message, TestWorld } from './a-world.ts';

const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());

/** What `waybill journey` says, once it says this. */
async function journeyOf(key: string, said: RegExp): Promise<string> {
  const main = path.join(import.meta.dirname, '../../packages/cli/src/main.ts');
  for (;;) {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [main, 'journey', key], {
        env: { ...process.env, ...t.operatorEnv },
      });
      if (said.test(stdout)) return stdout;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 3) throw error; // not known yet
    }
  }
}

/** The header blocks of the messages in a mailbox. */
async function mailbox(user: LabUser, name: string): Promise<string[]> {
  const client = await ImapClient.connect({ port: t.world.ports.imaps, ca: t.ca });
  try {
    await client.login(user.address, user.password);
    const selected = await client.ok(`SELECT ${name}`);
    if (selected.untagged.some((one) => one.text === '* 0 EXISTS')) return [];
    const fetched = await client.ok('FETCH 1:* (BODY.PEEK[HEADER])');
    return fetched.untagged.flatMap((one) => one.literals.map((literal) => literal.toString('latin1')));
  } finally {
    client.close();
  }
}

test('mail that its owner wants rejected is refused, and the reason is on one screen', async () => {
  const forged = message({
    From: 'The boss <ceo@bank.test>',
    To: 'bob@blue.test',
    'Message-ID': '<f@bank.test>',
  });
  const answer = await t.send(t.mx, 'ceo@bank.test', t.bob.address, forged);
  const id =
    /^550 5\.7\.1 bank\.test asks to reject mail that fails DMARC \(SPF fail, DKIM none\) \(id ([0-9a-f-]{36})\)/.exec(
      answer ?? '',
    )?.[1];
  assert.ok(id !== undefined, answer);
  for (const key of [id, 'ceo@bank.test', '<f@bank.test>']) {
    const screen = await journeyOf(key, /mail\.reject/);
    assert.match(screen, /^ceo@bank\.test -> bob@blue\.test {3}REFUSED$/m);
    assert.match(
      screen,
      /x MX .* verdict\.made .*PTR mail\.red\.test ok {2}SPF fail {2}DKIM none {2}DMARC fail \(p=reject\) {2}-> 550 5\.7\.1 reject: bank\.test asks/,
    );
  }
  assert.deepEqual(await mailbox(t.bob, 'INBOX'), []);
});

test('mail that its owner wants in quarantine lies in Junk, and says why', async () => {
  const doubtful = message({
    From: 'daily@news.test',
    To: 'bob@blue.test',
    'Message-ID': '<q@news.test>',
    'Authentication-Results': 'mx.red.test; spf=pass smtp.mailfrom=news.test',
  });
  assert.equal(await t.send(t.mx, 'daily@news.test', t.bob.address, doubtful), undefined);
  const screen = await journeyOf('<q@news.test>', /store\.append/);
  assert.match(
    screen,
    /\| MX .* SPF fail {2}DKIM none {2}DMARC fail \(p=quarantine\) {2}-> junk: news\.test asks/,
  );
  assert.match(screen, /bob@blue\.test: delivered .*Stored in Junk with uid 1/);
  const [header = '', ...others] = await mailbox(t.bob, 'Junk');
  assert.deepEqual(others, []);
  assert.match(
    header,
    /\r\nX-Waybill-Verdict: junk; news\.test asks to quarantine .*\r\nX-Spam-Flag: YES\r\n/,
  );
  const results = header.match(/^Authentication-Results: mx\.red\.test;.*(\r\n[ \t].*)*/gm) ?? [];
  assert.equal(results.length, 1, 'the forged one is gone');
  assert.match(results[0] ?? '', /spf=fail/);
  assert.match(results[0] ?? '', /dmarc=fail/);
  assert.deepEqual(await mailbox(t.bob, 'INBOX'), []);
});

test('what alice signs and sends by port 25 passes, and the same screen says by what', async () => {
  const genuine = message({ From: 'alice@red.test', To: 'bob@blue.test', 'Message-ID': '<g@red.test>' });
  assert.equal(await t.send(t.submission(t.alice), t.alice.address, t.bob.address, genuine), undefined);
  const screen = await journeyOf('<g@red.test>', /store\.append/);
  assert.match(
    screen,
    /o MX .* PTR mail\.red\.test ok {2}SPF pass {2}DKIM pass \S+ {2}DMARC pass {2}-> accept: red\.test is who it says/,
  );
  const [header = ''] = await mailbox(t.bob, 'INBOX');
  assert.match(header, /^Authentication-Results: mx\.red\.test;/m);
  assert.match(header, /dkim=pass/);
});
