import type { SmtpConnection } from './connection.ts';

interface Idle {
  readonly connection: SmtpConnection;
  readonly until: number;
}

/**
 * Connections to strangers' hosts, kept for a few seconds after a message so that more mail for the
 * same host finds them. A key names all that must be equal: address, TLS policy, credentials.
 */
export class IdlePool {
  readonly #idle = new Map<string, Idle[]>();
  readonly #keepMs: number;
  readonly #messages: number;
  readonly #clock: NodeJS.Timeout;

  /** Keeps a connection `keepMs` (3 s when not given) and for at most `messages` (100) messages. */
  constructor(options: { readonly keepMs?: number; readonly messages?: number } = {}) {
    this.#keepMs = options.keepMs ?? 3000;
    this.#messages = options.messages ?? 100;
    this.#clock = setInterval(() => this.#tidy(performance.now()), Math.min(1000, this.#keepMs)).unref();
  }

  /** A living idle connection, the last one that was given; the caller owns it. */
  take(key: string): SmtpConnection | undefined {
    const list = this.#idle.get(key);
    for (let one = list?.pop(); one !== undefined; one = list?.pop()) {
      if (list?.length === 0) this.#idle.delete(key);
      if (one.connection.usable) return one.connection;
    }
    return undefined;
  }

  /** Takes over a connection that has nothing in hand. */
  give(key: string, connection: SmtpConnection): void {
    if (!connection.usable || connection.sent >= this.#messages || this.#keepMs === 0) {
      connection.retire();
      return;
    }
    const list = this.#idle.get(key);
    const one = { connection, until: performance.now() + this.#keepMs };
    if (list === undefined) this.#idle.set(key, [one]);
    else list.push(one);
  }

  close(): void {
    clearInterval(this.#clock);
    this.#tidy(Number.POSITIVE_INFINITY);
  }

  #tidy(now: number): void {
    for (const [key, list] of this.#idle) {
      const kept = list.filter(({ connection, until }) => {
        const keep = connection.usable && until > now;
        if (!keep) connection.retire();
        return keep;
      });
      if (kept.length === 0) this.#idle.delete(key);
      else this.#idle.set(key, kept);
    }
  }
}
