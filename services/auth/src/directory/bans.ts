import { type Ban, formatNetwork, type IpNetwork } from '@waybill/auth-client';
import type pg from 'pg';
import { Refused } from '../refused.ts';

/** The networks that are not heard: the operator's, and those in which somebody goes on guessing passwords. */
interface Columns {
  readonly network: string;
  readonly reason: string;
  readonly found_by: string;
  readonly until: Date | null;
}
const COLUMNS = 'network::text as network, reason, found_by, until';
/** More are not handed out: the newest count. */
const MOST = 10_000;
/** The longest that a ban found by an agent lasts: a week. */
const LONGEST_SECONDS = 604_800;
/** So many accounts that logged in from one address lately make it one that many people share. */
const SHARED_BY = 3;

export class Bans {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Those in force. */
  async list(): Promise<Ban[]> {
    const { rows } = await this.#pool.query<Columns>({
      name: 'directory-bans',
      text: `select ${COLUMNS} from directory.ban where until is null or until > clock_timestamp()
        order by (found_by = 'operator') desc, created_at desc, network limit ${MOST}`,
    });
    return rows.map(banOf);
  }

  /** The operator's word replaces what was there. @param seconds undefined: for good */
  async add(network: IpNetwork, reason: string, seconds: number | undefined): Promise<Ban> {
    const { rows } = await this.#pool.query<Columns>(
      `insert into directory.ban as b (network, reason, found_by, until)
       values ($1, $2, 'operator', clock_timestamp() + $3 * interval '1 second')
       on conflict (network) do update set reason = excluded.reason, found_by = excluded.found_by,
         until = excluded.until, created_at = clock_timestamp()
       returning ${COLUMNS}`,
      [formatNetwork(network), reason, seconds ?? null],
    );
    return banOf(rows[0]!);
  }

  /**
   * A ban that auth found: twice as long each time, a week at most. Not of an address from which several
   * accounts logged in within a month (many people share it), and not over a ban that is in force.
   * @returns undefined where there is none
   */
  async found(network: IpNetwork, reason: string, seconds: number): Promise<Ban | undefined> {
    const { rows } = await this.#pool.query<Columns>(
      `insert into directory.ban as b (network, reason, found_by, until)
       select $1::cidr, $2, 'auth', clock_timestamp() + $3 * interval '1 second'
       where (select count(*) from directory.known_network k
              where k.network = $1::cidr and k.seen_at > clock_timestamp() - interval '30 days') < ${SHARED_BY}
       on conflict (network) do update set reason = excluded.reason, found_by = excluded.found_by,
         until = clock_timestamp() + least($3 * power(2, least(b.times, 20)), ${LONGEST_SECONDS}) * interval '1 second',
         times = b.times + 1, created_at = clock_timestamp()
         where b.until is not null and b.until <= clock_timestamp()
       returning ${COLUMNS}`,
      [formatNetwork(network), reason, seconds],
    );
    return rows[0] === undefined ? undefined : banOf(rows[0]);
  }

  /** Lifts it, and forgets how often it was banned. @throws Refused not-found */
  async remove(network: IpNetwork): Promise<void> {
    const { rowCount } = await this.#pool.query('delete from directory.ban where network = $1::cidr', [
      formatNetwork(network),
    ]);
    if (rowCount === 0) throw new Refused('not-found', `${formatNetwork(network)} is not banned`);
  }
}

function banOf(row: Columns): Ban {
  return {
    network: row.network,
    reason: row.reason,
    by: row.found_by,
    ...(row.until === null ? {} : { until: row.until.toISOString() }),
  };
}
