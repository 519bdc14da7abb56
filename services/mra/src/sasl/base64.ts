/** Base64 as SASL sends it (RFC 4648 §4): anything else is a mistake, not something to guess at. */

/** The octets; undefined when the text is not canonical base64 or longer than 12,288 characters (RFC 4954 §4). */
export function decodeBase64(text: string): Buffer | undefined {
  if (text === '' || text === '=') return Buffer.alloc(0);
  if (text.length > 12_288 || text.length % 4 !== 0) return undefined;
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets : undefined;
}
