import { parseArgs } from 'node:util';
import type { Sasl } from '@waybill/auth-client';
import { openPool } from '@waybill/postgres';
import { rankSum } from './rank-sum.ts';
import { startAuth } from './running-auth.ts';
import { base64, scram } from './scram-client.ts';

/**
 * Does the time of a refusal tell whether a user exists? A program that measures it at auth's door, with
 * every limit raised: known and unknown names in turn, in random order within each pair, a few pairs at a
 * time. `--beat 0` turns the beat of answers off and compares the work behind it, which does differ by a
 * fraction of a millisecond: there is more to read of somebody who exists. The test is
 * Mann and Whitney's rank sum, two-sided, on the pairs' latencies; p below 0.01 would say that they differ.
 * One run in a hundred says so by chance.
 *
 *     node services/auth/test/timing.ts [--samples 500] [--beat 250]
 */
const { values } = parseArgs({ options: { samples: { type: 'string' }, beat: { type: 'string' } } });
const samples = Number(values.samples ?? 500);

await using auth = await startAuth({
  WAYBILL_LOGIN_BEAT_MS: Number(values.beat ?? 250),
  WAYBILL_CLIENT_FAILURES: 0,
  WAYBILL_BAN_FAILURES: 0,
});
const operator = await auth.operator();
const msa = await auth.clientAs('msa', { deadlineMs: 30_000 });
await operator.call('domains/add', { name: 'red.test' });
// A name for each attempt, since an account pays for failures whatever the settings say: copies of one account,
// some of which have several passwords, an app password, or are suspended.
await operator.call('accounts/add', { address: 'known@red.test', password: 'secret' });
await operator.call('app-passwords/add', { address: 'known@red.test', label: 'phone', scopes: ['imap'] });
const pool = openPool(auth.db.url, { size: 1 });
await pool.query(
  `with made as (
     insert into directory.account (domain, local, state)
     select 'red.test', 'known' || i, case when i % 10 = 0 then 'suspended' else 'active' end
     from generate_series(1, $1) i returning id, domain, local),
   addresses as (insert into directory.address select domain, local, id from made),
   passwords as (
     insert into directory.credential (account_id, label, phc)
     select made.id, l, phc from made, directory.credential, unnest(array['password', 'second']) l
     where l = 'password' or made.id % 3 = 0)
   insert into directory.app_password
     (account_id, label, digest, scopes, scram_salt, scram_iterations, scram_stored_key, scram_server_key)
   select made.id, label, digest, scopes, scram_salt, scram_iterations, scram_stored_key, scram_server_key
   from made, directory.app_password where made.id % 4 = 0`,
  [samples + 20],
);
await pool.query(
  'analyze directory.account, directory.address, directory.credential, directory.app_password',
);
await pool.end();

type Try = (sasl: Sasl, username: string, client: string, n: number) => Promise<string>;
const TRIES: Readonly<Record<string, Try>> = {
  'SCRAM-SHA-256, its challenge': async (sasl, username, client) => {
    const response = base64(`n,,n=${username},r=abcdefgh`);
    const answer = await sasl.sasl({ mechanism: 'SCRAM-SHA-256', response, client, protocol: 'smtp' });
    return answer.status === 'challenge' ? 'denied' : answer.status;
  },
  'SCRAM-SHA-256': async (sasl, username, client, n) =>
    (await scram(sasl, username, `wrong ${n}`, { client, protocol: 'smtp' })).answer.status,
  PLAIN: async (sasl, username, client, n) =>
    (
      await sasl.sasl({
        mechanism: 'PLAIN',
        response: base64(`\0${username}\0wrong ${n}`),
        client,
        protocol: 'smtp',
      })
    ).status,
};

/** Pairs at a time: most of an attempt is waiting for the beat. */
const LANES = 4;

let n = 0;
/** Every attempt is a client and a password of its own, and no name fails often: nobody pays for earlier failures. */
async function time(one: Try, username: string): Promise<number> {
  n++;
  const client = `10.${n >> 8}.${n & 255}.1`; // a /24 for each
  const from = performance.now();
  const status = await one(msa, username, client, n);
  const ms = performance.now() - from;
  if (status !== 'denied') throw new Error(`${username} was told ${status}`);
  return ms;
}

let different = false;
for (const [mechanism, one] of Object.entries(TRIES)) {
  for (let i = 1; i <= 20; i++) await time(one, `known${samples + i}@red.test`);
  const times = { known: [] as number[], unknown: [] as number[] };
  let next = 1;
  const lane = async (): Promise<void> => {
    for (let i = next++; i <= samples; i = next++) {
      const pair = [
        ['known', `known${i}@red.test`],
        ['unknown', `other${i}@red.test`],
      ] as const;
      for (const [kind, username] of Math.random() < 0.5 ? pair : pair.toReversed())
        times[kind].push(await time(one, username));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const { p } = rankSum(times.known, times.unknown);
  const median = (list: number[]): string => list.toSorted((a, b) => a - b)[list.length >> 1]!.toFixed(3);
  process.stdout.write(
    `${mechanism}: ${samples} refusals each; median known ${median(times.known)} ms, unknown ${median(times.unknown)} ms; ` +
      `Mann-Whitney, two-sided: p = ${p.toFixed(4)}: ${p < 0.01 ? 'they differ' : 'no difference'}\n`,
  );
  different ||= p < 0.01;
}
process.exitCode = different ? 1 : 0;
