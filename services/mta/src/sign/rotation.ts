import type { Answer } from '@waybill/dns';
import type { openPool } from '@waybill/postgres';
import { type DkimAlgorithm, dkimRecordName, publishes } from '@waybill/signing';

/** Moves DKIM keys on: a key signs only once the world can verify it, and its record stays while mail signed with it is under way. */
export interface RotationOptions {
  /** Logged in as mta. */
  readonly pool: Pick<ReturnType<typeof openPool>, 'query'>;
  /** Asks DNS without a memory of earlier answers. */
  readonly lookTxt: (name: string) => Promise<Answer<string>>;
  /** How long a record must have been seen before its key signs, s: longer than a "there is none" may live. */
  readonly settleSeconds: number;
  /** How long a key that signs no more stays published, s: longer than mail is under way. */
  readonly retireSeconds: number;
  /** Between two looks for one record, s; 60 when not given. */
  readonly lookSeconds?: number;
  readonly onMove: (move: Move) => void;
}

/** What became of a key. */
export interface Move {
  readonly domain: string;
  readonly selector: string;
  readonly to: 'seen' | 'lost' | 'active' | 'retired';
}

interface Pending {
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  readonly public_key: string;
  readonly seen: boolean;
}

/** Keys looked after in one turn. */
const PAGE = 50;

/**
 * One turn over all keys, on any number of replicas: each pending key is taken by one of them, by the database's
 * clock. DNS is asked outside of any transaction.
 * @throws what Postgres throws; the next turn goes on from there
 */
export async function rotate(options: RotationOptions): Promise<void> {
  // Together: who stops mta waits for the slowest answer, not for all of them.
  await Promise.all((await takePending(options)).map((key) => look(key, options)));
  for (const move of await retire(options)) options.onMove(move);
}

async function takePending({ pool, lookSeconds = 60 }: RotationOptions): Promise<readonly Pending[]> {
  const { rows } = await pool.query<Pending>({
    text: `update signing.dkim_key k set looked_at = now()
            where (k.domain, k.selector) in (
                    select domain, selector from signing.dkim_key
                     where state = 'pending' and (looked_at is null or looked_at <= now() - make_interval(secs => $1))
                     order by looked_at nulls first limit ${PAGE} for update skip locked)
              and k.state = 'pending'
           returning k.domain, k.selector, k.algorithm, k.public_key, k.seen_at is not null as seen`,
    values: [lookSeconds],
  });
  return rows;
}

async function look(key: Pending, options: RotationOptions): Promise<void> {
  const { domain, selector, algorithm, public_key: publicKey, seen } = key;
  const answer = await options.lookTxt(dkimRecordName(selector, domain));
  // Nobody could say: what was known stays known.
  if (answer.kind === 'try-later') return;
  const there = answer.kind === 'found' && publishes(answer.records, algorithm, publicKey);
  if (!there) {
    if (!seen) return;
    await options.pool.query({
      text: `update signing.dkim_key set seen_at = null where domain = $1 and selector = $2 and state = 'pending'`,
      values: [domain, selector],
    });
    options.onMove({ domain, selector, to: 'lost' });
    return;
  }
  if (!seen) {
    await options.pool.query({
      text: `update signing.dkim_key set seen_at = now() where domain = $1 and selector = $2 and state = 'pending'`,
      values: [domain, selector],
    });
    options.onMove({ domain, selector, to: 'seen' });
    if (options.settleSeconds > 0) return;
  }
  if (await activate(key, options)) options.onMove({ domain, selector, to: 'active' });
}

/** The pending key signs from now on and the one before it no more, in one commit: exactly one of a kind is active. */
async function activate(
  { domain, selector, algorithm }: Pending,
  options: RotationOptions,
): Promise<boolean> {
  const { rows } = await options.pool.query<{ moved: boolean }>({
    text: `select signing.activate($1, $2, $3, make_interval(secs => $4)) as moved`,
    values: [domain, selector, algorithm, options.settleSeconds],
  });
  return rows[0]?.moved === true;
}

/** RFC 6376 §3.6.1: what signs no more is kept published for a while; its private half goes at the end of that. */
async function retire({ pool, retireSeconds }: RotationOptions): Promise<readonly Move[]> {
  const { rows } = await pool.query<{ domain: string; selector: string }>({
    text: `update signing.dkim_key set state = 'retired', private_key = null, retired_at = now()
            where state = 'retiring' and retiring_at <= now() - make_interval(secs => $1)
           returning domain, selector`,
    values: [retireSeconds],
  });
  return rows.map((row) => ({ ...row, to: 'retired' }));
}
