import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { normaliseDomain } from '../address.ts';
import type { DirectoryRows } from '../directory/rows.ts';
import { base32, looksSealed, open, type Path, pathOf, seal, sealToken, VALID_DAYS, written } from './srs.ts';

/** Return paths of what our aliases send outside: written when mta asks, and read again when a bounce comes back. */
export interface ReturnPathsOptions {
  readonly pool: pg.Pool;
  readonly rows: Pick<DirectoryRows, 'domains' | 'oldestDomain'>;
  /** For tests. */
  readonly now?: () => Date;
}

interface Secrets {
  /** What seals. */
  readonly newest: Buffer;
  readonly all: readonly Buffer[];
  readonly at: number;
}

/** How long secrets are used before they are read again, ms; and when a seal is not known, at the earliest. */
const KEEP = 60_000;
const KEEP_UNKNOWN = 5000;
/** A secret seals only when every replica has read it, and goes when nothing that it sealed is valid any more. */
const RIPENS = '10 minutes';
const RENEWED_AFTER = '180 days';
const TOKEN = 24;

export class ReturnPaths {
  readonly #options: ReturnPathsOptions;
  #secrets: Secrets | undefined;

  constructor(options: ReturnPathsOptions) {
    this.#options = options;
  }

  /**
   * The return path for what `via`, an address of ours, sends on to the outside; the sender's own where it is of a
   * domain of ours, or none of ours can be named.
   * @throws what the database throws
   */
  async forward(sender: string, via: string | undefined): Promise<string> {
    const path = pathOf(sender);
    const domain = path === undefined ? undefined : normaliseDomain(path.domain);
    // An address literal has no place in another's local part.
    if (path === undefined || domain === undefined || domain.startsWith('[')) return sender;
    const viaDomain = via === undefined ? undefined : normaliseDomain(pathOf(via)?.domain ?? '');
    const ours = new Set(
      (await this.#options.rows.domains(viaDomain === undefined ? [domain] : [domain, viaDomain])).map(
        ({ name }) => name,
      ),
    );
    if (ours.has(domain)) return sender;
    const own =
      viaDomain !== undefined && ours.has(viaDomain) ? viaDomain : await this.#options.rows.oldestDomain();
    if (own === undefined) return sender;
    const { newest } = await this.#read(KEEP);
    const now = this.#now();
    const local =
      seal({ local: path.local, domain }, newest, now) ??
      sealToken(await this.#keep({ local: path.local, domain }), newest, now);
    return written(local, own);
  }

  /**
   * The addresses that those of ours lead back to, each in its place; undefined where nothing was sealed, or not by us,
   * or too long ago.
   * @throws what the database throws
   */
  async open(addresses: readonly string[]): Promise<readonly (string | undefined)[]> {
    const opened: (string | undefined)[] = [];
    for (const address of addresses) opened.push(await this.#openOne(address));
    return opened;
  }

  /** Makes the first secret and, in its time, the next; forgets what is not valid any more. On any replica. */
  async tidy(): Promise<void> {
    const { pool } = this.#options;
    await pool.query(
      `insert into signing.srs_secret (id, secret)
       select coalesce(max(id), 0) + 1, $1 from signing.srs_secret
       having max(made_at) is null or max(made_at) < now() - interval '${RENEWED_AFTER}'
       on conflict do nothing`,
      [randomBytes(32)],
    );
    await pool.query(
      `delete from signing.srs_secret s where exists
         (select from signing.srs_secret n where n.id > s.id and n.made_at < now() - interval '${VALID_DAYS * 2} days')`,
    );
    await pool.query(
      `delete from signing.srs_long where used_at < now() - interval '${VALID_DAYS + 2} days'`,
    );
  }

  async #openOne(address: string): Promise<string | undefined> {
    const local = pathOf(address)?.local;
    if (local === undefined || !looksSealed(local)) return undefined;
    const now = this.#now();
    let opened = open(local, (await this.#read(KEEP)).all, now);
    opened ??= open(local, (await this.#read(KEEP_UNKNOWN)).all, now);
    if (opened === undefined || opened.kind === 'address') return opened?.address;
    const { rows } = await this.#options.pool.query<{ sender: string }>({
      name: 'signing-srs-long',
      text: 'select sender from signing.srs_long where token = $1',
      values: [opened.token],
    });
    return rows[0]?.sender;
  }

  /** Keeps what is too long to be written out. A row is used for a day before it is touched again. */
  async #keep({ local, domain }: Path): Promise<string> {
    const sender = written(local, domain);
    const token = base32(createHash('sha256').update(sender).digest(), TOKEN).toLowerCase();
    await this.#options.pool.query({
      name: 'signing-srs-keep',
      text: `insert into signing.srs_long as l (token, sender) values ($1, $2)
             on conflict (token) do update set used_at = now() where l.used_at < now() - interval '1 day'`,
      values: [token, sender],
    });
    return token;
  }

  async #read(keepMs: number): Promise<Secrets> {
    const at = performance.now();
    if (this.#secrets !== undefined && at - this.#secrets.at < keepMs) return this.#secrets;
    let found = await this.#select();
    if (found.length === 0) {
      await this.tidy();
      found = await this.#select();
    }
    const newest = found.findLast(({ ripe }) => ripe) ?? found[0];
    if (newest === undefined) throw new Error('there is no secret to seal return paths with');
    this.#secrets = { newest: newest.secret, all: found.map(({ secret }) => secret), at };
    return this.#secrets;
  }

  async #select(): Promise<{ secret: Buffer; ripe: boolean }[]> {
    const { rows } = await this.#options.pool.query<{ secret: Buffer; ripe: boolean }>({
      name: 'signing-srs-secrets',
      text: `select secret, made_at <= now() - interval '${RIPENS}' as ripe from signing.srs_secret order by id`,
    });
    return rows;
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }
}
