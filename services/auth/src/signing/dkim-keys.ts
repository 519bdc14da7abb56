import type { DkimKey } from '@waybill/auth-client';
import { dkimRecord, dkimRecordName } from '@waybill/signing';
import type pg from 'pg';
import { Refused } from '../refused.ts';
import { type NewKey, newKeyPairs } from './key-pair.ts';

/** How long the list still tells of a key that is over, so that its record is taken out. */
const FORGET = '90 days';

interface KeyRow {
  readonly selector: string;
  readonly algorithm: DkimKey['algorithm'];
  readonly public_key: string;
  readonly state: DkimKey['state'];
  readonly made_at: Date;
  readonly seen_at: Date | null;
  readonly activated_at: Date | null;
  readonly retiring_at: Date | null;
  readonly retired_at: Date | null;
}

/** The DKIM keys of our domains: made here, in pairs, and seen here without their private halves. */
export class DkimKeys {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** The first pair of a domain that is about to be added. */
  async first(domain: string): Promise<readonly NewKey[]> {
    return newKeyPairs(await this.#selectors(domain), new Date());
  }

  /** Newest first; a domain without living keys gets its first. @throws Refused not-found */
  async list(domain: string): Promise<DkimKey[]> {
    await this.#mustBeOurs(domain);
    const keys = await this.#read(domain);
    if (keys.some(({ state }) => state !== 'retired')) return keys;
    await this.#insert(domain, 'active', await this.first(domain));
    return this.#read(domain);
  }

  /**
   * Makes the pair that comes next, unless one waits already. `now`: what waits signs at once.
   * @throws Refused not-found
   */
  async rotate(domain: string, now: boolean): Promise<DkimKey[]> {
    const before = await this.list(domain);
    if (!before.some(({ state }) => state === 'pending'))
      await this.#insert(domain, 'pending', await this.first(domain));
    const keys = await this.#read(domain);
    if (!now) return keys;
    for (const { selector, algorithm, state } of keys)
      if (state === 'pending')
        await this.#pool.query('select signing.activate($1, $2, $3, null)', [domain, selector, algorithm]);
    return this.#read(domain);
  }

  /**
   * Gives keys to domains that have none, as those that were there before there were keys; forgets what is long over.
   * On any number of replicas at a time. @returns the domains that got keys
   */
  async tidy(): Promise<string[]> {
    await this.#pool.query(
      `delete from signing.dkim_key where state = 'retired' and retired_at < now() - interval '${FORGET}'`,
    );
    const { rows } = await this.#pool.query<{ name: string }>(
      `select d.name from directory.domain d where not exists
         (select from signing.dkim_key k where k.domain = d.name and k.state <> 'retired') order by d.name`,
    );
    const given: string[] = [];
    for (const { name } of rows)
      if (await this.#insert(name, 'active', await this.first(name))) given.push(name);
    return given;
  }

  async #mustBeOurs(domain: string): Promise<void> {
    const { rowCount } = await this.#pool.query('select from directory.domain where name = $1', [domain]);
    if (rowCount === 0) throw new Refused('not-found', `the domain ${domain} is not in the directory`);
  }

  async #selectors(domain: string): Promise<ReadonlySet<string>> {
    const { rows } = await this.#pool.query<{ selector: string }>(
      'select selector from signing.dkim_key where domain = $1',
      [domain],
    );
    return new Set(rows.map(({ selector }) => selector));
  }

  /** Two that make keys at once: the first has made them, the pair of the second is thrown away. */
  async #insert(domain: string, state: 'active' | 'pending', keys: readonly NewKey[]): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `insert into signing.dkim_key (domain, state, selector, algorithm, public_key, private_key, activated_at)
       select d.name, $2, k.*, case when $2 = 'active' then now() end
         from directory.domain d cross join unnest($3::text[], $4::text[], $5::text[], $6::text[]) as k
        where d.name = $1
       on conflict do nothing`,
      [domain, state, ...columns(keys)],
    );
    return (rowCount ?? 0) > 0;
  }

  async #read(domain: string): Promise<DkimKey[]> {
    const { rows } = await this.#pool.query<KeyRow>(
      `select selector, algorithm, public_key, state, made_at, seen_at, activated_at, retiring_at, retired_at
         from signing.dkim_key where domain = $1 order by made_at desc, selector desc`,
      [domain],
    );
    return rows.map((row) => ({
      selector: row.selector,
      algorithm: row.algorithm,
      state: row.state,
      name: dkimRecordName(row.selector, domain),
      record: dkimRecord(row.algorithm, row.public_key),
      madeAt: row.made_at.toISOString(),
      ...time('seenAt', row.seen_at),
      ...time('activatedAt', row.activated_at),
      ...time('retiringAt', row.retiring_at),
      ...time('retiredAt', row.retired_at),
    }));
  }
}

/** Keys as the four arrays that statements unnest: selector, algorithm, public half, private half. */
export function columns(keys: readonly NewKey[]): [string[], string[], string[], string[]] {
  return [
    keys.map(({ selector }) => selector),
    keys.map(({ algorithm }) => algorithm),
    keys.map(({ publicKey }) => publicKey),
    keys.map(({ privateKey }) => privateKey),
  ];
}

function time<K extends string>(name: K, at: Date | null): { [P in K]?: string } {
  return at === null ? {} : ({ [name]: at.toISOString() } as { [P in K]: string });
}
