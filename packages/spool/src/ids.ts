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

/** A report's delivery ids follow from its own id, so that a report tried again is the same delivery. RFC 9562 §5.8. */
export function reportDeliveryId(reportId: string, rcptNo: number): string {
  const digest = hash('sha256', `dsn ${reportId} ${rcptNo}`, 'hex');
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** The proof of one claim. Drawn per claim: after a crash an epoch alone may be given out twice. */
export function newToken(): string {
  return randomUUID();
}
