import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { message, TestWorld } from '../journeys/a-world.ts';
import { TokenIssuer } from '../journeys/token-issuer.ts';
import { needs, type Ran, run } from './programs.ts';

/** curl with a bearer token in place of a password: OAUTHBEARER and XOAUTH2 over SMTP, IMAP and POP3. */
needs(import.meta.filename);
const issuer = TokenIssuer.create();
after(() => issuer[Symbol.dispose]());
const offered = { WAYBILL_SASL_MECHANISMS: 'PLAIN OAUTHBEARER XOAUTH2' };
const t = await TestWorld.start({
  extra: { auth: issuer.settings, msa: offered, mra: offered },
});
after(() => t[Symbol.asyncDispose]());
const { ports } = t.world;

/** @param whose token is shown by alice */
function curl(mechanism: string, whose: string, input: string, ...args: string[]): Promise<Ran> {
  const login = ['--user', t.alice.address, '--oauth2-bearer', issuer.token(whose)];
  const options = ['--login-options', `AUTH=${mechanism}`, '--cacert', t.world.caFile];
  const all = ['-q', '--silent', '--show-error', '--max-time', '20', ...login, ...options, ...args];
  return run('curl', all, { input });
}

const READING = [`imaps://localhost:${ports.imaps}/INBOX;MAILINDEX=1`, `pop3s://localhost:${ports.pop3s}/1`];

for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
  test(`${mechanism}: curl sends to itself and reads it`, async () => {
    const from = ['--mail-from', t.alice.address, '--mail-rcpt', t.alice.address];
    const letter = message({ From: t.alice.address, Subject: 'by token' }).replaceAll('\n', '\r\n');
    const to = `smtps://localhost:${ports.msas}/client.example`;
    const sent = await curl(mechanism, t.alice.address, letter, ...from, '--upload-file', '-', to);
    assert.equal(sent.code, 0, sent.said);
    await t.world.quiet();
    await t.inbox(t.alice, 1);
    for (const url of READING) {
      const read = await curl(mechanism, t.alice.address, '', url);
      assert.equal(read.code, 0, `${url}: ${read.said}`);
      assert.match(read.said, /^Subject: by token\r$/m);
    }
  });

  test(`${mechanism}: with somebody else’s token curl hears that it may not`, async () => {
    for (const url of READING) {
      const read = await curl(mechanism, t.bob.address, '', url);
      assert.equal(read.code, 67, `${url}: ${read.said}`); // CURLE_LOGIN_DENIED
    }
  });
}
