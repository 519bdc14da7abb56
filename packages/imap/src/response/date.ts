/** Dates on the way out. */
import { MONTHS } from '../grammar/date-time.ts';

/** `"17-Jul-1996 02:44:25 +0000"` with its quotes: RFC 3501 §9 date-time, always in UTC. */
export function internalDateText(ms: number): string {
  const at = new Date(ms);
  const month = MONTHS[at.getUTCMonth()] ?? 'Jan';
  const year = String(at.getUTCFullYear()).padStart(4, '0');
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  return `"${two(at.getUTCDate())}-${month}-${year} ${clock} +0000"`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
