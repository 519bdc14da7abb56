import type { Alias } from '@waybill/auth-client';
import { transaction } from '@waybill/postgres';
import type pg from 'pg';
import { type Address, formatAddress } from '../address.ts';
import { Refused } from '../refused.ts';
import { addressFault } from './accounts.ts';
import { PAGE, readCursor, writeCursor } from './page.ts';

/** Aliases: an address of ours that stands for others, ours or not. */
export class Aliases {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Makes the alias or adds targets to it. @throws Refused exists for an account's address; not-found for the domain */
  async add(address: Address, targets: readonly string[]): Promise<Alias> {
    try {
      return await transaction(this.#pool, async (client) => {
        const made = await client.query<{ account_id: string | null }>(
          `insert into directory.address as a (domain, local) values ($1, $2)
           on conflict (domain, local) do update set local = a.local returning account_id`,
          [address.domain, address.local],
        );
        if (made.rows[0]?.account_id !== null)
          throw new Refused('exists', `${formatAddress(address)} is an account's own address`);
        await client.query(
          `insert into directory.alias_target (domain, local, target)
           select $1, $2, t from unnest($3::text[]) t on conflict do nothing`,
          [address.domain, address.local, targets],
        );
        const { rows } = await client.query<{ target: string }>(
          'select target from directory.alias_target where domain = $1 and local = $2 order by target',
          [address.domain, address.local],
        );
        return { address: formatAddress(address), targets: rows.map((row) => row.target) };
      });
    } catch (error) {
      throw addressFault(error, address);
    }
  }

  async list(
    domain: string | undefined,
    after: string | undefined,
  ): Promise<{ aliases: Alias[]; next?: string }> {
    const [fromDomain, fromLocal] = readCursor(after);
    const { rows } = await this.#pool.query<{ domain: string; local: string; targets: string[] | null }>({
      name: 'directory-list-aliases',
      text: `select a.domain, a.local, (select array_agg(t.target order by t.target)
            from directory.alias_target t where t.domain = a.domain and t.local = a.local) as targets
        from directory.address a
        where a.account_id is null and ($1::text is null or a.domain = $1) and (a.domain, a.local) > ($2, $3)
        order by a.domain, a.local limit ${PAGE}`,
      values: [domain ?? null, fromDomain, fromLocal],
    });
    const last = rows.length === PAGE ? rows.at(-1) : undefined;
    return {
      aliases: rows.map((row) => ({ address: formatAddress(row), targets: row.targets ?? [] })),
      ...(last === undefined ? {} : { next: writeCursor(last.domain, last.local) }),
    };
  }

  /** Removes targets, or all; an alias without targets goes too. @throws Refused not-found */
  async remove(address: Address, targets: readonly string[] | undefined): Promise<void> {
    await transaction(this.#pool, async (client) => {
      const { rowCount } = await client.query(
        'select from directory.address where domain = $1 and local = $2 and account_id is null for update',
        [address.domain, address.local],
      );
      if (rowCount === 0) throw new Refused('not-found', `there is no alias ${formatAddress(address)}`);
      if (targets !== undefined) {
        const removed = await client.query(
          'delete from directory.alias_target where domain = $1 and local = $2 and target = any($3::text[])',
          [address.domain, address.local, targets],
        );
        if (removed.rowCount === 0)
          throw new Refused('not-found', `the alias ${formatAddress(address)} has no such target`);
      }
      await client.query(
        `delete from directory.address a where a.domain = $1 and a.local = $2 and ($3 or not exists
           (select from directory.alias_target t where t.domain = a.domain and t.local = a.local))`,
        [address.domain, address.local, targets === undefined],
      );
    });
  }
}
