import type { Log, Metrics } from '@waybill/daemon';
import type { Place } from './place.ts';
import { placeName } from './place.ts';

/** Every count and every line of outcome of the foreign doors. Names, keys and passwords are in none of them. */
export const FOREIGN_DOORS = ['sasl', 'socketmap', 'policy'] as const;
export type ForeignDoor = (typeof FOREIGN_DOORS)[number];

export interface ForeignEvents {
  opened(door: ForeignDoor, place: Place, networks: readonly string[], mode: string): void;
  /** Somebody outside of the listed networks. */
  stranger(door: ForeignDoor, address: string): void;
  tooMany(door: ForeignDoor): void;
  /** Garbage, or a client that is too slow: its connection was closed. */
  closed(door: ForeignDoor, client: string, why: string): void;
  answered(door: ForeignDoor, result: string): void;
  failed(door: ForeignDoor, error: unknown): void;
  late(door: ForeignDoor): void;
  /** A listening socket failed. */
  broken(door: ForeignDoor, error: Error): void;
}

/** One line a minute and address is enough. */
const QUIET_MS = 60_000;
const MAX_REMEMBERED = 1000;

export function openForeignEvents(log: Log, metrics: Metrics): ForeignEvents {
  const requests = metrics.counter('auth_foreign_requests', 'Requests of foreign agents by outcome', [
    'door',
    'result',
  ]);
  const told = new Map<string, number>();
  const isNews = (key: string): boolean => {
    const now = performance.now();
    const last = told.get(key);
    if (last !== undefined && now - last < QUIET_MS) return false;
    if (told.size >= MAX_REMEMBERED) told.clear();
    told.set(key, now);
    return true;
  };
  return {
    opened(door, place, networks, mode) {
      const at = placeName(place);
      if (place.kind === 'unix')
        log.info({ door, at, mayAsk: `whom mode ${mode} lets in` }, 'foreign door open, in clear');
      else if (networks.length > 0)
        log.info({ door, at, mayAsk: networks.join(', ') }, 'foreign door open, in clear');
      else
        log.warn(
          { door, at, mayAsk: 'nobody' },
          'foreign door open, but nobody may ask: list networks in WAYBILL_FOREIGN_NETWORKS',
        );
    },
    stranger(door, address) {
      requests.inc({ door, result: 'stranger' });
      if (isNews(`${door} ${address}`))
        log.warn({ door, client: address }, 'a host outside of WAYBILL_FOREIGN_NETWORKS was closed');
    },
    tooMany(door) {
      requests.inc({ door, result: 'too-many' });
      if (isNews(`${door} too many`))
        log.warn({ door }, 'too many connections of foreign agents; further ones are closed');
    },
    closed(door, client, why) {
      requests.inc({ door, result: 'garbage' });
      log.warn({ door, client, why }, 'a foreign agent was closed');
    },
    answered: (door, result) => requests.inc({ door, result }),
    failed(door, error) {
      log.error({ door, err: error }, 'a foreign agent got no answer but a temporary one');
    },
    late(door) {
      if (isNews(`${door} late`)) log.error({ door }, 'foreign agents wait too long for their answers');
    },
    broken(door, error) {
      log.error({ door, err: error }, 'a foreign door does not listen properly');
    },
  };
}
