/** Years that both JavaScript and Postgres can hold, with room; a Date field may name any. */
const EARLIEST = Date.UTC(1000, 0, 1);
const LATEST = Date.UTC(9999, 11, 31);

/** Seconds since the epoch for `to_timestamp`; null for no date, an invalid one, or one outside 1000–9999. */
export function epochSeconds(date: Date | null): number | null {
  if (date === null) return null;
  const ms = date.getTime();
  return ms >= EARLIEST && ms <= LATEST ? ms / 1000 : null;
}
