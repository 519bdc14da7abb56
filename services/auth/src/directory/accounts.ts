import type { DirectoryAccount } from '@waybill/auth-client';
import { transaction } from '@waybill/postgres';
import pg from 'pg';
import { type Address, formatAddress } from '../address.ts';
import { Refused } from '../refused.ts';
import { PAGE, readCursor, writeCursor } from './page.ts';
import { OWNER_COLUMNS, type OwnerColumns, ownerOf, type QuotaDefaults } from './rows.ts';

/** Accounts: made with their primary address, suspended, removed to a tombstone; ids are never given twice. */
export interface NewAccount {
  readonly address: Address;
  /** PHC string of the first password. */
  readonly phc: string | undefined;
  readonly label: string;
  readonly quotaBytes: number | undefined;
  readonly quotaMessages: number | undefined;
}

/** The id of the account at an address. @throws Refused not-found */
export async function findAccount(
  client: { query: pg.Pool['query'] },
  address: Address,
  lock: '' | 'for update' = '',
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `select c.id::text as id from directory.address a join directory.account c on c.id = a.account_id
     where a.domain = $1 and a.local = $2 and c.state <> 'removed' ${lock === '' ? '' : 'for update of c'}`,
    [address.domain, address.local],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Refused('not-found', `there is no account ${formatAddress(address)}`);
  return id;
}

/** SQLSTATEs of broken references and of keys that exist. */
export const FOREIGN_KEY = '23503';
export const UNIQUE = '23505';

export function isSqlState(error: unknown, code: string): boolean {
  return error instanceof pg.DatabaseError && error.code === code;
}

/** The refusal for an address that could not be inserted, or the error itself. */
export function addressFault(error: unknown, address: Address): unknown {
  if (isSqlState(error, UNIQUE))
    return new Refused('exists', `${formatAddress(address)} is taken already`, { cause: error });
  if (isSqlState(error, FOREIGN_KEY))
    return new Refused('not-found', `the domain ${address.domain} is not in the directory; add it first`, {
      cause: error,
    });
  return error;
}

export class Accounts {
  readonly #pool: pg.Pool;
  readonly #defaults: QuotaDefaults;

  constructor(pool: pg.Pool, defaults: QuotaDefaults) {
    this.#pool = pool;
    this.#defaults = defaults;
  }

  /** @throws Refused exists, or not-found for a domain that is not ours */
  async add(account: NewAccount): Promise<DirectoryAccount> {
    const { address } = account;
    try {
      return await transaction(this.#pool, async (client) => {
        const { rows } = await client.query<OwnerColumns>(
          `insert into directory.account as c (domain, local, quota_bytes, quota_messages)
           values ($1, $2, $3, $4) returning ${OWNER_COLUMNS}`,
          [address.domain, address.local, account.quotaBytes ?? null, account.quotaMessages ?? null],
        );
        const row = rows[0]!;
        await client.query('insert into directory.address (domain, local, account_id) values ($1, $2, $3)', [
          address.domain,
          address.local,
          row.id,
        ]);
        if (account.phc !== undefined)
          await client.query(
            'insert into directory.credential (account_id, label, phc) values ($1, $2, $3)',
            [row.id, account.label, account.phc],
          );
        return this.#entry(row);
      });
    } catch (error) {
      throw addressFault(error, address);
    }
  }

  /** A page of accounts in the order of their primary addresses. */
  async list(
    domain: string | undefined,
    after: string | undefined,
  ): Promise<{ accounts: DirectoryAccount[]; next?: string }> {
    const [fromDomain, fromLocal] = readCursor(after);
    const { rows } = await this.#pool.query<OwnerColumns>({
      name: 'directory-list-accounts',
      text: `select ${OWNER_COLUMNS} from directory.address a join directory.account c on c.id = a.account_id
        where ($1::text is null or a.domain = $1) and (a.domain, a.local) > ($2, $3)
          and a.domain = c.domain and a.local = c.local
        order by a.domain, a.local limit ${PAGE}`,
      values: [domain ?? null, fromDomain, fromLocal],
    });
    const last = rows.length === PAGE ? rows.at(-1) : undefined;
    return {
      accounts: rows.map((row) => this.#entry(row)),
      ...(last === undefined ? {} : { next: writeCursor(last.primary_domain, last.primary_local) }),
    };
  }

  /** @throws Refused not-found */
  async setState(address: Address, state: 'active' | 'suspended'): Promise<DirectoryAccount> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<OwnerColumns>(
      `update directory.account as c set state = $2 where id = $1 and state <> 'removed' returning ${OWNER_COLUMNS}`,
      [accountId, state],
    );
    if (rows[0] === undefined)
      throw new Refused('not-found', `there is no account ${formatAddress(address)}`);
    return this.#entry(rows[0]);
  }

  /** Leaves a tombstone; its addresses are free again, its passwords gone. @throws Refused not-found */
  async remove(address: Address): Promise<void> {
    await transaction(this.#pool, async (client) => {
      const accountId = await findAccount(client, address, 'for update');
      await client.query('delete from directory.credential where account_id = $1', [accountId]);
      await client.query('delete from directory.address where account_id = $1', [accountId]);
      await client.query(
        `update directory.account set state = 'removed', removed_at = clock_timestamp() where id = $1`,
        [accountId],
      );
    });
  }

  #entry(row: OwnerColumns): DirectoryAccount {
    const { account, active } = ownerOf(row, this.#defaults);
    return { ...account, state: active ? 'active' : 'suspended' };
  }
}
