import { type Account, type Credential, MAIN_LABEL, type Scope, SCOPES } from '@waybill/auth-client';
import { transaction } from '@waybill/postgres';
import type pg from 'pg';
import type { Address } from '../address.ts';
import type { ScramKeys } from '../password/scram-keys.ts';
import { Refused } from '../refused.ts';
import { findAccount } from './accounts.ts';
import { OWNER_COLUMNS, type OwnerColumns, ownerOf, type QuotaDefaults } from './rows.ts';

/** Credentials: several per account, any of which opens it for what it is good for. */
export interface CredentialRow {
  readonly label: string;
  /** Never the same for two credentials, nor for one before and after a change. */
  readonly version: string;
  /** A PHC string, or `{SCHEME}…` of an import; undefined for an app password. */
  readonly phc: string | undefined;
  /** SHA-256 of an app password. */
  readonly digest: Buffer | undefined;
  readonly scopes: readonly Scope[];
  /** Undefined until the password was seen in clear. */
  readonly scram: ScramKeys | undefined;
}

export interface Login {
  readonly account: Account;
  /** The main password first, app passwords last. */
  readonly credentials: readonly CredentialRow[];
  /** Whether the account logged in from this network before. */
  readonly known: boolean;
}

/** What is kept of a password. */
export interface KeptPassword {
  readonly phc: string;
  readonly scram: ScramKeys | undefined;
}

/** Passwords of an account, app passwords not counted. */
export const MAX_CREDENTIALS = 10;

export class Credentials {
  readonly #pool: pg.Pool;
  readonly #defaults: QuotaDefaults;

  constructor(pool: pg.Pool, defaults: QuotaDefaults) {
    this.#pool = pool;
    this.#defaults = defaults;
  }

  /**
   * The active account at an address, with all that opens it.
   * @param network CIDR of the client; undefined for a client that has none
   */
  async login(address: Address, network: string | undefined): Promise<Login | undefined> {
    const { rows } = await this.#pool.query<
      OwnerColumns & { credentials: JsonRow[] | null; app_passwords: JsonRow[] | null; known: boolean }
    >({
      name: 'directory-login-2',
      text: `select ${OWNER_COLUMNS},
          (select json_agg(json_build_object('label', r.label, 'version', r.version::text, 'phc', r.phc,
               'keys', case when r.scram_version = r.version then ${scramJson('r')} end)
             order by r.label <> $3, r.label)
           from directory.credential r where r.account_id = c.id) as credentials,
          (select json_agg(json_build_object('label', p.label, 'version', p.version::text,
               'digest', encode(p.digest, 'base64'), 'scopes', p.scopes, 'keys', ${scramJson('p')})
             order by p.label)
           from directory.app_password p where p.account_id = c.id) as app_passwords,
          exists (select from directory.known_network k
            where k.account_id = c.id and k.network = $4::cidr) as known
        from directory.address a join directory.account c on c.id = a.account_id
        where a.domain = $1 and a.local = $2 and c.state = 'active'`,
      values: [address.domain, address.local, MAIN_LABEL, network ?? null],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      account: ownerOf(row, this.#defaults).account,
      credentials: [...(row.credentials ?? []), ...(row.app_passwords ?? [])].map(credentialRow),
      known: row.known,
    };
  }

  /** @throws Refused not-found */
  async list(address: Address): Promise<Credential[]> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<CredentialColumns>({
      name: 'directory-credentials-2',
      text: `select ${CREDENTIAL_COLUMNS} from directory.credential where account_id = $1 order by label`,
      values: [accountId],
    });
    return rows.map(credentialOf);
  }

  /** The hashes that an account has, for the salt that they share. @throws Refused not-found */
  async hashes(address: Address): Promise<string[]> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<{ phc: string }>(
      'select phc from directory.credential where account_id = $1 order by label <> $2, label',
      [accountId, MAIN_LABEL],
    );
    return rows.map((row) => row.phc);
  }

  /** Adds a credential or replaces the one with this label. @throws Refused not-found, or in-use when there are ten */
  async set(address: Address, label: string, kept: KeptPassword): Promise<Credential> {
    return transaction(this.#pool, async (client) => {
      const accountId = await findAccount(client, address, 'for update');
      const row = await insertCredential(client, accountId, label, kept);
      const count = await client.query<{ n: number }>(
        'select count(*)::int as n from directory.credential where account_id = $1',
        [accountId],
      );
      if ((count.rows[0]?.n ?? 0) > MAX_CREDENTIALS)
        throw new Refused('in-use', `an account has at most ${MAX_CREDENTIALS} passwords; remove one first`);
      return credentialOf(row);
    });
  }

  /** Keeps a password in a better form, if it still is the one that was seen; its version stays. */
  async improve(accountId: string, seen: CredentialRow, kept: KeptPassword): Promise<void> {
    await this.#pool.query(
      `update directory.credential set phc = $4, scram_salt = $5, scram_iterations = $6,
         scram_stored_key = $7, scram_server_key = $8, scram_version = version
       where account_id = $1 and label = $2 and version = $3`,
      [accountId, seen.label, seen.version, kept.phc, ...scramValues(kept.scram)],
    );
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

/** Inserts or replaces; the keys of SCRAM belong to the version that it gets. */
export async function insertCredential(
  client: { query: pg.Pool['query'] },
  accountId: string,
  label: string,
  kept: KeptPassword,
): Promise<CredentialColumns> {
  const { rows } = await client.query<CredentialColumns>(
    `insert into directory.credential as r (account_id, label, phc, version, scram_version,
         scram_salt, scram_iterations, scram_stored_key, scram_server_key)
       select $1, $2, $3, v, case when $4::bytea is null then null else v end, $4, $5, $6, $7
       from nextval('directory.credential_version') v
     on conflict (account_id, label) do update
       set phc = excluded.phc, version = excluded.version, created_at = clock_timestamp(), last_used_at = null,
         scram_version = excluded.scram_version, scram_salt = excluded.scram_salt,
         scram_iterations = excluded.scram_iterations, scram_stored_key = excluded.scram_stored_key,
         scram_server_key = excluded.scram_server_key
     returning ${CREDENTIAL_COLUMNS}`,
    [accountId, label, kept.phc, ...scramValues(kept.scram)],
  );
  return rows[0]!;
}

/** Salt, iterations, StoredKey, ServerKey; all null where there are none. */
export function scramValues(keys: ScramKeys | undefined): readonly (Buffer | number | null)[] {
  return keys === undefined
    ? [null, null, null, null]
    : [keys.salt, keys.iterations, keys.storedKey, keys.serverKey];
}

function scramJson(alias: string): string {
  return `json_build_object('salt', encode(${alias}.scram_salt, 'base64'), 'iterations', ${alias}.scram_iterations,
    'stored', encode(${alias}.scram_stored_key, 'base64'), 'server', encode(${alias}.scram_server_key, 'base64'))`;
}

interface JsonRow {
  readonly label: string;
  readonly version: string;
  readonly phc?: string;
  readonly digest?: string;
  readonly scopes?: Scope[];
  readonly keys: { salt: string | null; iterations: number; stored: string; server: string } | null;
}

function credentialRow(row: JsonRow): CredentialRow {
  const { keys } = row;
  const octets = (text: string): Buffer => Buffer.from(text, 'base64');
  return {
    label: row.label,
    version: row.version,
    phc: row.phc,
    digest: row.digest === undefined ? undefined : octets(row.digest),
    scopes: row.scopes ?? SCOPES,
    scram:
      keys === null || keys.salt === null
        ? undefined
        : {
            salt: octets(keys.salt),
            iterations: keys.iterations,
            storedKey: octets(keys.stored),
            serverKey: octets(keys.server),
          },
  };
}

interface CredentialColumns {
  readonly label: string;
  readonly version: number;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}
const CREDENTIAL_COLUMNS = 'label, version::float8 as version, created_at, last_used_at';

function credentialOf(row: CredentialColumns): Credential {
  return {
    label: row.label,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at.toISOString() }),
  };
}
