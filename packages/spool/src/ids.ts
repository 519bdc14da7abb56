import { hash, randomUUID, randomUUIDv7 } from 'node:crypto';

/**
 * Names of messages and deliveries. A spool id is a UUIDv7 (RFC 9562 §5.7): its time makes the
 * newest rows neighbours in every index, its random bits make it unguessable.
 */
export function newSpoolId(): string {
  return randomUUIDv7();
}

/** A delivery's name: random for mail. */
export function newDeliveryId(): string {
  return randomUUIDv7();
}

/** A report's delivery ids follow from its own id, so that a report tried again is the same delivery. */
export function reportDeliveryId(reportId: string, rcptNo: number): string {
  return named(`dsn ${reportId} ${rcptNo}`);
}

/** The delivery of one of an alias's mailboxes, where the alias's own delivery was named on another machine. */
export function targetDeliveryId(deliveryId: string, accountId: string): string {
  return named(`target ${deliveryId} ${accountId}`);
}

/**
 * The id under which some recipients of a message go to another machine's spool. It follows from their deliveries,
 * so that the same recipients, tried again, are the same message there, and others never are.
 */
export function handOverId(spoolId: string, deliveryIds: readonly string[]): string {
  const digest = named(`hand-over ${spoolId} ${deliveryIds.toSorted().join(' ')}`);
  // The time stays in front, as of every spool id.
  return `${spoolId.slice(0, 14)}7${digest.slice(15)}`;
}

/** A UUID of its own that follows from a text, RFC 9562 §5.8. */
function named(text: string): string {
  const digest = hash('sha256', text, 'hex');
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** The proof of one claim. Drawn per claim: after a crash an epoch alone may be given out twice. */
export function newToken(): string {
  return randomUUID();
}
