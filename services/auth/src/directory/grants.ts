import type pg from 'pg';
import { type Address, formatAddress, normaliseDomain, parseAddress, withoutTag } from '../address.ts';
import { Refused } from '../refused.ts';
import { findAccount } from './accounts.ts';

/** Sender rights beyond one's own addresses: an address, or `@domain` for all of a domain, ours or not. */
export class Grants {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** @throws Refused not-found */
  async add(address: Address, sender: string): Promise<void> {
    const accountId = await findAccount(this.#pool, address);
    await this.#pool.query(
      'insert into directory.sender_grant (account_id, sender) values ($1, $2) on conflict do nothing',
      [accountId, sender],
    );
  }

  /** @throws Refused not-found */
  async list(address: Address): Promise<string[]> {
    const accountId = await findAccount(this.#pool, address);
    const { rows } = await this.#pool.query<{ sender: string }>(
      'select sender from directory.sender_grant where account_id = $1 order by sender',
      [accountId],
    );
    return rows.map((row) => row.sender);
  }

  /** @throws Refused not-found */
  async remove(address: Address, sender: string): Promise<void> {
    const accountId = await findAccount(this.#pool, address);
    const { rowCount } = await this.#pool.query(
      'delete from directory.sender_grant where account_id = $1 and sender = $2',
      [accountId, sender],
    );
    if (rowCount === 0) throw new Refused('not-found', `${formatAddress(address)} was not granted ${sender}`);
  }

  /** Which of these senders an active account was granted. */
  async among(accountId: string, senders: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.#pool.query<{ sender: string }>({
      name: 'directory-grants-among',
      text: `select g.sender from directory.sender_grant g join directory.account c on c.id = g.account_id
        where g.account_id = $1 and g.sender = any($2::text[]) and c.state = 'active'`,
      values: [accountId, senders],
    });
    return new Set(rows.map((row) => row.sender));
  }

  /** The primary addresses of active accounts that were granted one of these senders. */
  async holders(senders: readonly string[]): Promise<string[]> {
    const { rows } = await this.#pool.query<{ domain: string; local: string }>({
      name: 'directory-grant-holders',
      text: `select distinct c.domain, c.local from directory.sender_grant g
        join directory.account c on c.id = g.account_id
        where g.sender = any($1::text[]) and c.state = 'active' order by c.domain, c.local limit 1000`,
      values: [senders],
    });
    return rows.map((row) => formatAddress(row));
  }
}

/** What a grant of an address may be called: itself, without its tag, or its domain. Pure. */
export function grantsFor(address: Address, delimiter: string): string[] {
  const base = withoutTag(address.local, delimiter);
  return [
    formatAddress(address),
    ...(base === undefined ? [] : [formatAddress({ local: base, domain: address.domain })]),
    `@${address.domain}`,
  ];
}

/** Reads an address or `@domain`. @throws Refused invalid */
export function readGrant(text: string): string {
  if (text.startsWith('@')) {
    const domain = normaliseDomain(text.slice(1));
    if (domain !== undefined && !domain.startsWith('[')) return `@${domain}`;
  } else {
    const address = parseAddress(text);
    if (address !== undefined && !address.domain.startsWith('[')) return formatAddress(address);
  }
  throw new Refused('invalid', `${JSON.stringify(text)} is neither an address nor @domain`);
}
