import type { ChangeSignal } from './contract.ts';
import { Coalescer } from './signal/coalescer.ts';
import { PostgresCarrier } from './signal/postgres.ts';
import { RedisCarrier } from './signal/redis.ts';

/**
 * Wakes readers of other processes after a commit. It promises little: a hint may be lost, late or
 * needless, and nothing here ever delays or fails a write. Reading the change log is what is
 * correct. After a lost connection every subscriber is woken once, since hints may have gone by.
 */
export type SignalOptions = { readonly redis: string } | { readonly postgresUrl: string };

/** How hints travel. */
export interface Carrier {
  /** Sends the ids, joined by commas, to every listener. May reject: the hint is lost then. */
  send(text: string): Promise<void>;
  /** Starts listening and goes on through reconnects. `onOpen` after each (re)connection. */
  listen(onText: (text: string) => void, onOpen: () => void): void;
  close(): Promise<void>;
}

/** Connections are opened at the first publish and the first subscribe. */
export function openSignal(options: SignalOptions): ChangeSignal {
  const carrier =
    'redis' in options ? new RedisCarrier(options.redis) : new PostgresCarrier(options.postgresUrl);
  const coalescer = new Coalescer((ids) => carrier.send(ids.join(',')));
  const subscribers = new Map<string, Set<() => void>>();
  let listening = false;

  const wake = (accountId: string): void => {
    for (const each of subscribers.get(accountId) ?? []) {
      try {
        each();
      } catch {
        // A subscriber's fault is not the next one's.
      }
    }
  };
  return {
    publish: (accountIds) => coalescer.add(accountIds),
    subscribe(accountId, callback) {
      // A wrapper, so that the same function may be subscribed twice.
      const entry = (): void => callback();
      let entries = subscribers.get(accountId);
      if (entries === undefined) subscribers.set(accountId, (entries = new Set()));
      entries.add(entry);
      if (!listening) {
        listening = true;
        carrier.listen(
          (text) => text.split(',').forEach(wake),
          () => [...subscribers.keys()].forEach(wake),
        );
      }
      return () => {
        const left = subscribers.get(accountId);
        if (left?.delete(entry) === true && left.size === 0) subscribers.delete(accountId);
      };
    },
    async close() {
      await coalescer.close();
      await carrier.close();
      subscribers.clear();
    },
  };
}
