/** Where a foreign door listens: a value, read from the setting. Pure. */
export type Place =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Longest path of a unix socket that every system takes, in octets (sun_path). */
const MAX_PATH = 103;

/**
 * Reads `127.0.0.1:12345, [::1]:12345, unix:/run/waybill/sasl`.
 * @throws Error naming the setting and the entry that is neither
 */
export function readPlaces(setting: string, text: string): readonly Place[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '').map((entry) => readPlace(setting, entry));
}

function readPlace(setting: string, entry: string): Place {
  if (entry.startsWith('unix:')) {
    const path = entry.slice(5);
    if (!path.startsWith('/') || Buffer.byteLength(path) > MAX_PATH)
      throw new Error(`${setting}: ${entry} needs a path from the root, of at most ${MAX_PATH} octets`);
    return { kind: 'unix', path };
  }
  const colon = entry.lastIndexOf(':');
  const digits = entry.slice(colon + 1);
  const bracketed = entry.startsWith('[') && entry[colon - 1] === ']';
  const host = bracketed ? entry.slice(1, colon - 1) : entry.slice(0, Math.max(colon, 0));
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (host === '' || (!bracketed && host.includes(':')) || !(port <= 65_535))
    throw new Error(`${setting}: ${JSON.stringify(entry)} is neither host:port nor unix:/path`);
  return { kind: 'tcp', host, port };
}

/** As Postfix writes it: `inet:host:port` or `unix:/path`. */
export function placeName(place: Place): string {
  if (place.kind === 'unix') return `unix:${place.path}`;
  return `inet:${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}
