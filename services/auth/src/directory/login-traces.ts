import type pg from 'pg';

/**
 * What logins leave behind: when a credential was used last, to the minute, and from which networks an
 * account came, to the day. Gathered here and written some seconds later in one statement each, never
 * while somebody waits; what a crash forgets is learned again.
 */
export interface LoginTrace {
  readonly accountId: string;
  readonly label: string;
  readonly app: boolean;
  /** CIDR of the client, where it has one. */
  readonly network: string | undefined;
}

export interface LoginTracesOptions {
  /** Milliseconds after which what was gathered is written. Default 5,000. */
  readonly everyMs?: number;
  readonly onTrouble?: (error: unknown) => void;
}

const USE_MS = 60_000;
const NETWORK_MS = 24 * 3600 * 1000;
/** Names remembered, of each kind. */
const ENTRIES = 50_000;

export class LoginTraces implements AsyncDisposable {
  readonly #pool: pg.Pool;
  readonly #options: LoginTracesOptions;
  /** When each was noted last; also what is known before it is written. */
  readonly #uses = new Map<string, number>();
  readonly #networks = new Map<string, number>();
  readonly #newUses = new Map<string, LoginTrace>();
  readonly #newNetworks = new Map<string, LoginTrace>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(pool: pg.Pool, options: LoginTracesOptions = {}) {
    this.#pool = pool;
    this.#options = options;
  }

  note(trace: LoginTrace, now = Date.now()): void {
    const use = `${trace.app ? 'a' : 'p'} ${trace.accountId} ${trace.label}`;
    if (isDue(this.#uses, use, now, USE_MS)) this.#newUses.set(use, trace);
    const network = `${trace.accountId} ${trace.network}`;
    if (trace.network !== undefined && isDue(this.#networks, network, now, NETWORK_MS))
      this.#newNetworks.set(network, trace);
    if (this.#timer !== undefined || this.#newUses.size + this.#newNetworks.size === 0) return;
    this.#timer = setTimeout(() => void this.flush(), this.#options.everyMs ?? 5000);
    this.#timer.unref();
  }

  /** Whether this process saw the account come from there. */
  knows(accountId: string, network: string | undefined): boolean {
    return network !== undefined && this.#networks.has(`${accountId} ${network}`);
  }

  /** Writes what waits. Never rejects: what cannot be written is forgotten. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing
      .then(() => this.#write())
      .catch((error: unknown) => this.#options.onTrouble?.(error));
    await this.#writing;
  }

  async #write(): Promise<void> {
    // In one order on every replica, so that none waits for another in a circle.
    const take = (map: Map<string, LoginTrace>): LoginTrace[] => {
      const traces = [...map].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, trace]) => trace);
      map.clear();
      return traces;
    };
    const uses = take(this.#newUses);
    const networks = take(this.#newNetworks);
    for (const [table, app] of [
      ['credential', false],
      ['app_password', true],
    ] as const) {
      const of = uses.filter((trace) => trace.app === app);
      if (of.length > 0)
        await this.#pool.query(
          `update directory.${table} r set last_used_at = date_trunc('minute', clock_timestamp())
           from unnest($1::bigint[], $2::text[]) w (id, label) where r.account_id = w.id and r.label = w.label`,
          [of.map((trace) => trace.accountId), of.map((trace) => trace.label)],
        );
    }
    if (networks.length > 0)
      await this.#pool.query(
        `insert into directory.known_network (account_id, network)
         select id, network from unnest($1::bigint[], $2::cidr[]) w (id, network)
         where exists (select from directory.account c where c.id = w.id and c.state <> 'removed')
         on conflict (account_id, network) do update set seen_at = excluded.seen_at`,
        [networks.map((trace) => trace.accountId), networks.map((trace) => trace.network)],
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }
}

function isDue(map: Map<string, number>, key: string, now: number, everyMs: number): boolean {
  const before = map.get(key);
  if (before !== undefined && now - before < everyMs) return false;
  map.delete(key);
  map.set(key, now);
  if (map.size > ENTRIES) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  return true;
}
