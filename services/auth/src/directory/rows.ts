import type { Account, DomainPolicy } from '@waybill/auth-client';
import type pg from 'pg';
import { formatAddress, type Address } from '../address.ts';

/** Reads the directory for look-ups: many names in one statement, nothing kept. */
export interface DomainRow {
  readonly name: string;
  readonly route: string;
  readonly recipients: 'listed' | 'any';
  /** Left out: as mx is configured. */
  readonly policy?: DomainPolicy;
}

/** The columns of a domain, and what they say. */
export const DOMAIN_COLUMNS = 'name, route, recipients, on_reject, on_quarantine';
export interface DomainColumns {
  readonly name: string;
  readonly route: string;
  readonly recipients: 'listed' | 'any';
  readonly on_reject: NonNullable<DomainPolicy['onReject']> | null;
  readonly on_quarantine: NonNullable<DomainPolicy['onQuarantine']> | null;
}

export function domainOf({ on_reject, on_quarantine, ...domain }: DomainColumns): DomainRow {
  const policy = {
    ...(on_reject === null ? {} : { onReject: on_reject }),
    ...(on_quarantine === null ? {} : { onQuarantine: on_quarantine }),
  };
  return Object.keys(policy).length === 0 ? domain : { ...domain, policy };
}

export interface OwnerRow {
  readonly account: Account;
  readonly active: boolean;
}

/** What stands at an address: an account, or an alias with its targets as text. */
export type AddressRow =
  | { readonly kind: 'account'; readonly owner: OwnerRow }
  | { readonly kind: 'alias'; readonly targets: readonly string[] };

export interface QuotaDefaults {
  readonly bytes: number;
  readonly messages: number;
}

/** The columns that make an OwnerRow, of an account aliased `c`. */
export const OWNER_COLUMNS = `c.id::text as id, c.state, c.domain as primary_domain, c.local as primary_local,
  c.quota_bytes::float8 as quota_bytes, c.quota_messages::float8 as quota_messages`;

export interface OwnerColumns {
  readonly id: string;
  readonly state: string;
  readonly primary_domain: string;
  readonly primary_local: string;
  readonly quota_bytes: number | null;
  readonly quota_messages: number | null;
}

export function ownerOf(row: OwnerColumns, defaults: QuotaDefaults): OwnerRow {
  return {
    active: row.state === 'active',
    account: {
      accountId: row.id,
      address: formatAddress({ local: row.primary_local, domain: row.primary_domain }),
      quotaBytes: row.quota_bytes ?? defaults.bytes,
      quotaMessages: row.quota_messages ?? defaults.messages,
    },
  };
}

export class DirectoryRows {
  readonly #pool: pg.Pool;
  readonly #defaults: QuotaDefaults;

  constructor(pool: pg.Pool, defaults: QuotaDefaults) {
    this.#pool = pool;
    this.#defaults = defaults;
  }

  async domains(names: readonly string[]): Promise<DomainRow[]> {
    const { rows } = await this.#pool.query<DomainColumns>({
      name: 'directory-domains-2',
      text: `select ${DOMAIN_COLUMNS} from directory.domain where name = any($1::text[])`,
      values: [names],
    });
    return rows.map(domainOf);
  }

  /** The rows of those addresses that have one, with the address each stands at. */
  async addresses(wanted: readonly Address[]): Promise<(Address & { readonly row: AddressRow })[]> {
    const { rows } = await this.#pool.query<
      Omit<OwnerColumns, 'id'> & {
        id: string | null;
        domain: string;
        local: string;
        targets: string[] | null;
      }
    >({
      name: 'directory-addresses',
      text: `select a.domain, a.local, ${OWNER_COLUMNS},
          case when a.account_id is null then
            (select array_agg(t.target order by t.target) from directory.alias_target t
             where t.domain = a.domain and t.local = a.local) end as targets
        from unnest($1::text[], $2::text[]) as w (domain, local)
        join directory.address a on a.domain = w.domain and a.local = w.local
        left join directory.account c on c.id = a.account_id`,
      values: [wanted.map((address) => address.domain), wanted.map((address) => address.local)],
    });
    return rows.map((row) => ({
      domain: row.domain,
      local: row.local,
      row:
        row.id === null
          ? { kind: 'alias', targets: row.targets ?? [] }
          : { kind: 'account', owner: ownerOf({ ...row, id: row.id }, this.#defaults) },
    }));
  }

  /** The domain that has been here longest. */
  async oldestDomain(): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ name: string }>({
      name: 'directory-oldest-domain',
      text: 'select name from directory.domain order by created_at, name limit 1',
    });
    return rows[0]?.name;
  }

  /** The active account that has been in a domain longest, or else in the whole directory. */
  async oldestAccount(domain: string): Promise<OwnerRow | undefined> {
    const { rows } = await this.#pool.query<OwnerColumns>({
      name: 'directory-oldest-account',
      text: `(select ${OWNER_COLUMNS}, 0 as rank from directory.account c
          where c.state = 'active' and c.domain = $1 order by c.id limit 1)
        union all
        (select ${OWNER_COLUMNS}, 1 as rank from directory.account c
          where c.state = 'active' order by c.id limit 1)
        order by rank limit 1`,
      values: [domain],
    });
    return rows[0] === undefined ? undefined : ownerOf(rows[0], this.#defaults);
  }
}
