import pg from 'pg';
import type { Carrier } from '../signal.ts';
import { Reconnect } from './reconnect.ts';

/**
 * NOTIFY and LISTEN, for an installation without Redis. A commit that carries a NOTIFY takes a
 * lock of the whole server: so it is never part of a mail transaction, but a small one of its own,
 * on a connection of its own, a few times a second.
 */
const CHANNEL = 'waybill_mailstore';
/** After a failed connection, hints are dropped for this long rather than each waiting for another try. */
const PAUSE_MS = 1000;

export class PostgresCarrier implements Carrier {
  readonly #url: string;
  readonly #reconnect = new Reconnect();
  #publisher: pg.Client | undefined;
  #pausedUntil = 0;
  #listener: pg.Client | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  async send(text: string): Promise<void> {
    if (performance.now() < this.#pausedUntil) return;
    try {
      this.#publisher ??= await this.#connect('waybill publisher', (client) => {
        if (this.#publisher === client) this.#publisher = undefined;
      });
      await this.#publisher.query({
        name: 'mailstore.notify',
        text: 'select pg_notify($1, $2)',
        values: [CHANNEL, text],
      });
    } catch (error) {
      this.#pausedUntil = performance.now() + PAUSE_MS;
      const lost = this.#publisher;
      this.#publisher = undefined;
      await lost?.end().catch(() => undefined);
      throw error;
    }
  }

  listen(onText: (text: string) => void, onOpen: () => void): void {
    const open = async (): Promise<void> => {
      try {
        const client = await this.#connect('waybill listener', (lost) => {
          if (this.#listener !== lost) return;
          this.#listener = undefined;
          this.#reconnect.schedule(() => void open());
        });
        if (this.#closed) return await client.end();
        this.#listener = client;
        client.on('notification', (notice) => {
          if (notice.payload !== undefined && notice.payload !== '') onText(notice.payload);
        });
        await client.query(`listen ${CHANNEL}`);
        this.#reconnect.succeeded();
        onOpen();
      } catch {
        const lost = this.#listener;
        this.#listener = undefined;
        await lost?.end().catch(() => undefined);
        this.#reconnect.schedule(() => void open());
      }
    };
    void open();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#reconnect.stop();
    const clients = [this.#publisher, this.#listener];
    this.#publisher = undefined;
    this.#listener = undefined;
    for (const client of clients) await client?.end().catch(() => undefined);
  }

  async #connect(name: string, onLost: (client: pg.Client) => void): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: name,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    });
    client.on('error', () => onLost(client));
    client.on('end', () => onLost(client));
    await client.connect();
    // A hint need not be on the disk.
    await client.query('set synchronous_commit = off');
    return client;
  }
}
