import type { Domain, DomainPolicy } from '@waybill/auth-client';
import type pg from 'pg';
import { Refused } from '../refused.ts';
import { columns } from '../signing/dkim-keys.ts';
import type { NewKey } from '../signing/key-pair.ts';
import { FOREIGN_KEY, isSqlState, UNIQUE } from './accounts.ts';
import { PAGE } from './page.ts';
import { DOMAIN_COLUMNS, type DomainColumns, domainOf } from './rows.ts';

/** Domains of ours, and how mail for each travels. */
export interface NewPolicy {
  readonly onReject?: DomainPolicy['onReject'] | 'default';
  readonly onQuarantine?: DomainPolicy['onQuarantine'] | 'default';
}

export class Domains {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** The domain and the keys that sign for it, in one statement. @throws Refused exists */
  async add(domain: Domain, keys: readonly NewKey[]): Promise<Domain> {
    try {
      await this.#pool.query(
        `with d as (insert into directory.domain (name, route, recipients) values ($1, $2, $3) returning name)
         insert into signing.dkim_key (domain, state, activated_at, selector, algorithm, public_key, private_key)
         select d.name, 'active', now(), k.* from d
           cross join unnest($4::text[], $5::text[], $6::text[], $7::text[]) as k
         on conflict do nothing`,
        [domain.name, domain.route, domain.recipients, ...columns(keys)],
      );
      return domain;
    } catch (error) {
      if (isSqlState(error, UNIQUE))
        throw new Refused('exists', `the domain ${domain.name} is in the directory already`, {
          cause: error,
        });
      throw error;
    }
  }

  async list(after: string | undefined): Promise<{ domains: Domain[]; next?: string }> {
    const { rows } = await this.#pool.query<DomainColumns>({
      name: 'directory-list-domains-2',
      text: `select ${DOMAIN_COLUMNS} from directory.domain where name > $1 order by name limit ${PAGE}`,
      values: [after ?? ''],
    });
    const last = rows.length === PAGE ? rows.at(-1) : undefined;
    return { domains: rows.map(domainOf), ...(last === undefined ? {} : { next: last.name }) };
  }

  /** Sets what is given; `default`: as mx is configured. @throws Refused not-found */
  async setPolicy(
    name: string,
    { onReject, onQuarantine }: NewPolicy,
  ): Promise<{ readonly name: string; readonly policy: DomainPolicy }> {
    const { rows } = await this.#pool.query<DomainColumns>(
      `update directory.domain set
         on_reject = case when $2::text is null then on_reject else nullif($2, 'default') end,
         on_quarantine = case when $3::text is null then on_quarantine else nullif($3, 'default') end
       where name = $1 returning ${DOMAIN_COLUMNS}`,
      [name, onReject ?? null, onQuarantine ?? null],
    );
    if (rows[0] === undefined) throw new Refused('not-found', `the domain ${name} is not in the directory`);
    return { name, policy: domainOf(rows[0]).policy ?? {} };
  }

  /** @throws Refused not-found; in-use while it has addresses */
  async remove(name: string): Promise<void> {
    try {
      const { rows } = await this.#pool.query<{ name: string }>(
        `with gone as (delete from directory.domain where name = $1 returning name),
              over as (update signing.dkim_key k set state = 'retired', private_key = null, retired_at = now()
                         from gone where k.domain = gone.name and k.state <> 'retired')
         select name from gone`,
        [name],
      );
      if (rows.length === 0) throw new Refused('not-found', `the domain ${name} is not in the directory`);
    } catch (error) {
      if (isSqlState(error, FOREIGN_KEY))
        throw new Refused('in-use', `${name} still has accounts or aliases; remove them first`, {
          cause: error,
        });
      throw error;
    }
  }
}

/**
 * Reads a route: 'local', 'mx' or 'lmtp://host:port'.
 * @throws Refused invalid
 */
export function parseRoute(text: string): string {
  if (text === 'local' || text === 'mx') return text;
  const url = URL.parse(text);
  const plain =
    url !== null &&
    url.protocol === 'lmtp:' &&
    url.hostname !== '' &&
    url.port !== '' &&
    url.username === '' &&
    url.password === '' &&
    (url.pathname === '' || url.pathname === '/') &&
    url.search === '' &&
    url.hash === '';
  if (!plain)
    throw new Refused('invalid', `a route is local, mx, or lmtp://host:port, not ${JSON.stringify(text)}`);
  return `lmtp://${url.host}`;
}
