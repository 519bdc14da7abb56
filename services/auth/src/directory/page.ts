/** Lists go out in pages; a cursor is where the page before ended. */
export const PAGE = 1000;

/** The pair after which a page begins; of an unreadable or missing cursor, the very beginning. */
export function readCursor(cursor: string | undefined): readonly [domain: string, local: string] {
  const at = cursor?.indexOf(' ') ?? -1;
  return cursor === undefined || at < 0 ? ['', ''] : [cursor.slice(0, at), cursor.slice(at + 1)];
}

/** Domains hold no space, so the first one ends the domain. */
export function writeCursor(domain: string, local: string): string {
  return `${domain} ${local}`;
}
