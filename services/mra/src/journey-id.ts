/** Which journey a stored message belongs to: what our own msa or mx wrote when it took the message. */
import { fieldValue, headerFields } from '@waybill/message';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Our trace field stands first; it is looked for in this many octets. */
const LOOKED_AT = 2_048;

/**
 * The id in the topmost Received field. Undefined for a message that was not delivered (it has no
 * `prefix` of the mda): whoever appended it could have written any id.
 */
export function journeyIdOf(prefix: Buffer, body: Buffer): string | undefined {
  if (prefix.length === 0) return undefined;
  const head = body.subarray(0, LOOKED_AT);
  const received = headerFields(head).find((field) => field.name === 'received');
  if (received === undefined) return undefined;
  // Folding leaves a tab or spaces between the words (RFC 5322 §2.2.3).
  const words =
    fieldValue(head, received, 'latin1')
      .split(';')[0]
      ?.split(/[ \t]+/) ?? [];
  const id = words[words.indexOf('id') + 1];
  return id !== undefined && words.includes('id') && UUID.test(id) ? id : undefined;
}
