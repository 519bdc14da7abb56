/**
 * Array parameters as Postgres reads them, built without a regular expression per element.
 * Text from the network is made storable on the way: Postgres refuses NUL, and lone surrogates.
 */

/** A `text[]` parameter. NUL becomes U+FFFD, as a lone surrogate does. */
export function textArray(items: readonly (string | null | undefined)[]): string {
  let out = '{';
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out += ',';
    const item = items[i];
    out += item === null || item === undefined ? 'NULL' : `"${escapeElement(item)}"`;
  }
  return out + '}';
}

/** An array parameter of numbers, booleans or uuids: values without a character that needs quoting. */
export function plainArray(items: readonly (string | number | boolean | null | undefined)[]): string {
  let out = '{';
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out += ',';
    const item = items[i];
    out += item === null || item === undefined ? 'NULL' : String(item);
  }
  return out + '}';
}

/** Text that Postgres can store: NUL and lone surrogates become U+FFFD. */
export function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD').toWellFormed() : text.toWellFormed();
}

function escapeElement(item: string): string {
  let text = storable(item);
  if (text.includes('\\')) text = text.replaceAll('\\', '\\\\');
  if (text.includes('"')) text = text.replaceAll('"', '\\"');
  return text;
}
