import { type Account, type Credential, MAIN_LABEL } from '@waybill/auth-client';
import { transaction } from '@waybill/postgres';
import type pg from 'pg';
import type { Address } from '../address.ts';
import { Refused } from '../refused.ts';
import { findAccount } from './accounts.ts';
import { OWNER_COLUMNS, type OwnerColumns, ownerOf, type QuotaDefaults } from './rows.ts';

/** Credentials: several per account, any of which opens it. */
export interface CredentialRow {
  readonly phc: string;
  /** Never the same for two credentials, nor for one before and after a change. */
  readonly version: string;
}

export interface Login {
  readonly account: Account;
  readonly credentials: readonly CredentialRow[];
}

/** Each is a hash when a password is wrong. */
export const MAX_CREDENTIALS = 10;

export class Credentials {
  readonly #pool: pg.Pool;
  readonly #defaults: QuotaDefaults;

  constructor(pool: pg.Pool, defaults: QuotaDefaults) {
    this.#pool = pool;
    this.#defaults = defaults;
  }

  /** The active account at an address, with all that opens it; the main password first. */
  async login(address: Address): Promise<Login | undefined> {
    const { rows } = await this.#pool.query<OwnerColumns & { credentials: CredentialRow[] | null }>({
      name: 'directory-login',
      text: `select ${OWNER_COLUMNS},
          (select json_agg(json_build_object('phc', r.phc, 'version', r.version::text)
             order by r.label <> $3, r.label)
           from directory.credential r where r.account_id = c.id) as credentials
        from directory.address a join directory.account c on c.id = a.account_id
        where a.domain = $1 and a.local = $2 and c.state = 'active'`,
      values: [address.domain, address.local, MAIN_LABEL],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    return { account: ownerOf(row, this.#defaults).account, credentials: row.credentials ?? [] };
  }

  /** @throws Refused not-found */
  async list(address: Address): Promise<Credential[]> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<CredentialColumns>({
      name: 'directory-credentials',
      text: `select ${CREDENTIAL_COLUMNS} from directory.credential where account_id = $1 order by label`,
      values: [accountId],
    });
    return rows.map(credentialOf);
  }

  /** Adds a credential or replaces the one with this label. @throws Refused not-found, or in-use when there are ten */
  async set(address: Address, label: string, phc: string): Promise<Credential> {
    return transaction(this.#pool, async (client) => {
      const accountId = await findAccount(client, address, 'for update');
      const { rows } = await client.query<CredentialColumns>(
        `insert into directory.credential (account_id, label, phc) values ($1, $2, $3)
         on conflict (account_id, label) do update
           set phc = excluded.phc, version = excluded.version, created_at = clock_timestamp()
         returning ${CREDENTIAL_COLUMNS}`,
        [accountId, label, phc],
      );
      const count = await client.query<{ n: number }>(
        'select count(*)::int as n from directory.credential where account_id = $1',
        [accountId],
      );
      if ((count.rows[0]?.n ?? 0) > MAX_CREDENTIALS)
        throw new Refused('in-use', `an account has at most ${MAX_CREDENTIALS} passwords; remove one first`);
      return credentialOf(rows[0]!);
    });
  }

  /** @throws Refused not-found */
  async remove(address: Address, label: string): Promise<void> {
    const accountId = await findAccount(this.#pool, address);
    const { rowCount } = await this.#pool.query(
      'delete from directory.credential where account_id = $1 and label = $2',
      [accountId, label],
    );
    if (rowCount === 0) throw new Refused('not-found', `the account has no password labelled ${label}`);
  }
}

interface CredentialColumns {
  readonly label: string;
  readonly version: number;
  readonly created_at: Date;
}
const CREDENTIAL_COLUMNS = 'label, version::float8 as version, created_at';

function credentialOf(row: CredentialColumns): Credential {
  return { label: row.label, version: row.version, createdAt: row.created_at.toISOString() };
}
