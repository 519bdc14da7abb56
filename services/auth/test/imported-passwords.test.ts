import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { openPool } from '@waybill/postgres';
import { startAuth } from './running-auth.ts';
import { scram } from './scram-client.ts';

/** Hashes of other servers open their accounts, and are ours after the first login. */
const auth = await startAuth({ WAYBILL_CLIENT_FAILURES: 0, WAYBILL_LOGIN_CACHE_SECONDS: 0 });
const pool = openPool(auth.db.url, { size: 1 });
after(async () => {
  await pool.end();
  await auth[Symbol.asyncDispose]();
});
const operator = await auth.operator();
const mra = await auth.clientAs('mra', { deadlineMs: 20_000 });
await operator.call('domains/add', { name: 'red.test' });

let clients = 0;
const told = (): { client: string; protocol: 'imap' } => ({
  client: `192.0.2.${++clients}`,
  protocol: 'imap',
});
const logIn = async (username: string, password: string): Promise<string> =>
  (await mra.authenticate({ username, password, ...told() })).status;

/** What is kept, once it is as it should be: it is written behind the login. */
async function keptWhen(address: string, isRight: (kept: Kept) => boolean): Promise<Kept> {
  for (;;) {
    const { rows } = await pool.query<Kept>(
      `select r.phc, r.scram_version is not distinct from r.version as has_keys
       from directory.credential r join directory.account c on c.id = r.account_id
       where c.local || '@' || c.domain = $1 order by r.label`,
      [address],
    );
    if (isRight(rows[0]!)) return rows[0]!;
  }
}
interface Kept {
  readonly phc: string;
  readonly has_keys: boolean;
}

const IMPORTS = [
  '{BLF-CRYPT}$2y$05$JiEL2xHpCkn2PQSkNrjcKeggqsp2ZOF6KdGa/LYySNU/8lna6CY82',
  '{PBKDF2}$1$iCsLvutpSbvN6txH$5000$029ecc4bd406d9f77d241c1a89bde1c807c0cb4c',
  '{SSHA}Tg+uGrSm0dFtSEcU3xr5EKmlpE9o9KS6',
  '{SSHA512}HnOTp3QGDi7t8kSPnglxk2fxhkXbbO/iDxg5JqSHg0QDDf+s3DCUxeQf30w3Nw/E5FuoYW+sXk9PM6BYQTtqCjsKiHI=',
  '{SHA512-CRYPT}$6$XRRrfTPhQtVMGHW3$UQhrnpSAjuc7exuzgaGQYnDcibAvJATNbtNLT7Zkl5UhZvgL2fU47w4w1W2o3AHk4T.vuRJN40OrgOIskDN.Q.',
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$kQatIZI2G8QEEAipPrBUHA$AvScJ2SC04cuInZxuKjjB5hdiClRPuhoAnlAB9Ovoyk',
];
for (const [i, passwordHash] of IMPORTS.entries()) {
  const scheme = passwordHash.slice(0, passwordHash.indexOf('}') + 1);
  test(`${scheme} opens its account, and is argon2id with keys for SCRAM after that`, async () => {
    const address = `user${i}@red.test`;
    await operator.call('accounts/add', { address, passwordHash });
    assert.equal(await logIn(address, 'falsch'), 'denied');
    assert.equal((await scram(mra, address, 'geheim ü', told())).answer.status, 'denied', 'no keys yet');
    assert.equal(await logIn(address, 'geheim ü'), 'ok');
    const { phc } = await keptWhen(address, ({ has_keys }) => has_keys);
    assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.equal(await logIn(address, 'geheim ü'), 'ok');
    assert.equal(await logIn(address, 'falsch'), 'denied');
    assert.equal((await scram(mra, address, 'geheim ü', told())).answer.status, 'ok');
  });
}

test('a hash that is not known is refused in words, and nothing is made', async () => {
  const add = operator.call('accounts/add', { address: 'x@red.test', passwordHash: '{PLAIN}secret' });
  await assert.rejects(add, /\{PLAIN\} is not known; known are/);
  const both = operator.call('accounts/add', {
    address: 'x@red.test',
    password: 'a',
    passwordHash: '{SSHA}b',
  });
  await assert.rejects(both, /either a password or a hash/);
  await assert.rejects(operator.call('credentials/list', { address: 'x@red.test' }), /there is no account/);
});

test('a password of the version before has no keys until it is seen in clear', async () => {
  await operator.call('accounts/add', { address: 'old@red.test', password: 'as ever' });
  // The writer of the version before knows nothing of the new columns.
  await pool.query(
    `update directory.credential r set phc = r.phc, version = nextval('directory.credential_version')
     from directory.account c where c.id = r.account_id and c.local = 'old'`,
  );
  assert.equal((await scram(mra, 'old@red.test', 'as ever', told())).answer.status, 'denied');
  assert.equal(await logIn('old@red.test', 'as ever'), 'ok');
  await keptWhen('old@red.test', ({ has_keys }) => has_keys);
  assert.equal((await scram(mra, 'old@red.test', 'as ever', told())).answer.status, 'ok');
});

test('several passwords of one account cost one hash', async () => {
  await operator.call('accounts/add', { address: 'many@red.test', password: 'p0' });
  for (let i = 1; i < 5; i++)
    await operator.call('credentials/set', {
      address: 'many@red.test',
      label: `app ${i}`,
      password: `p${i}`,
    });
  const { rows } = await pool.query<{ salts: number }>(
    `select count(distinct split_part(r.phc, '$', 5))::int as salts from directory.credential r
     join directory.account c on c.id = r.account_id where c.local = 'many'`,
  );
  assert.equal(rows[0]?.salts, 1);
  for (let i = 0; i < 5; i++) {
    assert.equal(await logIn('many@red.test', `p${i}`), 'ok');
    assert.equal((await scram(mra, 'many@red.test', `p${i}`, told())).answer.status, 'ok', 'by SCRAM');
  }
});
