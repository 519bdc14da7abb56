/** `name=value;name=value`, RFC 6376 §3.2: names as they stand, the first of equal ones counts. */
export function tagList(text: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (name !== '' && !tags.has(name)) tags.set(name, equals < 0 ? '' : part.slice(equals + 1).trim());
  }
  return tags;
}

/** Base64 without the white space that may stand in it. */
export function squeezed(text: string): string {
  return text.split(/\s+/).join('');
}
