import { Redis } from 'ioredis';
import type { Carrier } from '../signal.ts';
import { reconnectDelay } from './reconnect.ts';

/**
 * Redis publish and subscribe, one channel for all accounts: a list of numbers is cheaper to read
 * for every listener than a message per account is to send.
 */
const CHANNEL = 'waybill:mailstore:moved';

export class RedisCarrier implements Carrier {
  readonly #url: string;
  #publisher: Redis | undefined;
  #listener: Redis | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async send(text: string): Promise<void> {
    this.#publisher ??= quiet(
      new Redis(this.#url, {
        retryStrategy: reconnectDelay,
        maxRetriesPerRequest: 1,
        commandTimeout: 2000,
        connectTimeout: 5000,
      }),
    );
    await this.#publisher.publish(CHANNEL, text);
  }

  listen(onText: (text: string) => void, onOpen: () => void): void {
    const listener = quiet(
      new Redis(this.#url, {
        retryStrategy: reconnectDelay,
        maxRetriesPerRequest: null,
        connectTimeout: 5000,
        autoResubscribe: false,
      }),
    );
    this.#listener = listener;
    listener.on('message', (_channel: string, text: string) => {
      if (text !== '') onText(text);
    });
    // Subscribed anew by hand: only then is it known that no hint goes by any more.
    listener.on('ready', () => {
      listener.subscribe(CHANNEL).then(onOpen, () => undefined);
    });
  }

  close(): Promise<void> {
    this.#publisher?.disconnect();
    this.#listener?.disconnect();
    return Promise.resolve();
  }
}

/** Without a listener for its errors a client ends the process; it reconnects by itself. */
function quiet(redis: Redis): Redis {
  redis.on('error', () => undefined);
  return redis;
}
