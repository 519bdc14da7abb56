import type { DirectoryAccount, SendLimits } from '@waybill/auth-client';
import { transaction } from '@waybill/postgres';
import pg from 'pg';
import { type Address, formatAddress } from '../address.ts';
import { Refused } from '../refused.ts';
import { insertCredential, type KeptPassword } from './credentials.ts';
import { PAGE, readCursor, writeCursor } from './page.ts';
import { OWNER_COLUMNS, type OwnerColumns, ownerOf, type QuotaDefaults } from './rows.ts';

/** Accounts: made with their primary address, suspended, removed to a tombstone; ids are never given twice. */
export interface NewAccount {
  readonly address: Address;
  /** What is kept of the first password. */
  readonly kept: KeptPassword | undefined;
  readonly label: string;
  readonly quotaBytes: number | undefined;
  readonly quotaMessages: number | undefined;
}

interface Held {
  readonly held_reason?: string | null;
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

const LIMIT_COLUMNS = {
  messagesPerHour: 'messages_per_hour',
  messagesPerDay: 'messages_per_day',
  recipientsPerHour: 'recipients_per_hour',
  recipientsPerDay: 'recipients_per_day',
} as const;

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
        if (account.kept !== undefined) await insertCredential(client, row.id, account.label, account.kept);
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
    const { rows } = await this.#pool.query<OwnerColumns & Held>({
      name: 'directory-list-accounts-2',
      text: `select ${OWNER_COLUMNS}, c.held_reason from directory.address a join directory.account c on c.id = a.account_id
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
    const { rows } = await this.#pool.query<OwnerColumns & Held>(
      `update directory.account as c set state = $2 where id = $1 and state <> 'removed'
       returning ${OWNER_COLUMNS}, c.held_reason`,
      [accountId, state],
    );
    if (rows[0] === undefined)
      throw new Refused('not-found', `there is no account ${formatAddress(address)}`);
    return this.#entry(rows[0]);
  }

  /** The address that an account was made with. @throws Refused not-found */
  async primary(address: Address): Promise<string> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<Address>(
      'select domain, local from directory.account where id = $1',
      [accountId],
    );
    return formatAddress(rows[0]!);
  }

  /** Holds an account back from sending, or (without a reason) lets it go. @throws Refused not-found */
  async setHeld(address: Address, reason: string | undefined): Promise<void> {
    const accountId = await findAccount(this.#pool, address);
    await this.#pool.query(
      `update directory.account set held_reason = $2,
         held_at = case when $2::text is null then null else clock_timestamp() end where id = $1`,
      [accountId, reason ?? null],
    );
  }

  /** Sets the limits that are given, null for those of the settings; answers with all. @throws Refused not-found */
  async setLimits(address: Address, limits: SendLimits): Promise<SendLimits> {
    const accountId = await findAccount(this.#pool, address);
    const given = Object.entries(LIMIT_COLUMNS).map(([name, column]) => {
      const limit = limits[name as keyof SendLimits];
      return { column, isGiven: limit !== undefined, limit: limit ?? null };
    });
    const { rows } = await this.#pool.query<SendLimits>(
      `update directory.account set ${given.map(({ column }, i) => `${column} = case when $${2 * i + 2} then $${2 * i + 3} else ${column} end`).join(', ')}
       where id = $1 returning ${Object.entries(LIMIT_COLUMNS)
         .map(([name, column]) => `${column} as "${name}"`)
         .join(', ')}`,
      [accountId, ...given.flatMap(({ isGiven, limit }) => [isGiven, limit])],
    );
    return rows[0]!;
  }

  /** Leaves a tombstone; its addresses are free again, its passwords gone. @throws Refused not-found */
  async remove(address: Address): Promise<void> {
    await transaction(this.#pool, async (client) => {
      const accountId = await findAccount(client, address, 'for update');
      for (const table of ['credential', 'app_password', 'sender_grant', 'known_network', 'sent'])
        await client.query(`delete from directory.${table} where account_id = $1`, [accountId]);
      await client.query('delete from directory.address where account_id = $1', [accountId]);
      await client.query(
        `update directory.account set state = 'removed', removed_at = clock_timestamp() where id = $1`,
        [accountId],
      );
    });
  }

  #entry(row: OwnerColumns & Held): DirectoryAccount {
    const { account, active } = ownerOf(row, this.#defaults);
    const held = row.held_reason ?? undefined;
    return {
      ...account,
      state: active ? 'active' : 'suspended',
      ...(held === undefined ? {} : { held }),
    };
  }
}
