/** The Date field: RFC 5322 §3.3 and the obsolete forms of §4.3, to and from ms since the epoch. */

const DAY = 86_400_000;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH_BY_NAME = new Map(MONTHS.map((name, index) => [name.toLowerCase(), index]));
/** Minutes east of UTC, RFC 5322 §4.3. */
const ZONES = new Map([
  ['ut', 0],
  ['utc', 0],
  ['gmt', 0],
  ['z', 0],
  ['est', -300],
  ['edt', -240],
  ['cst', -360],
  ['cdt', -300],
  ['mst', -420],
  ['mdt', -360],
  ['pst', -480],
  ['pdt', -420],
]);

/** `Tue, 24 Nov 2026 11:00:00 +0000`. Always UTC: a server has no zone of its own to tell. */
export function formatDate(date: Date): string {
  const day = DAYS[date.getUTCDay()] ?? '';
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day}, ${two(date.getUTCDate())} ${month} ${year} ${clock} +0000`;
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}

/**
 * Ms since the epoch, or null where the text is no date. Comments, a missing or wrong day name, two
 * and three digit years, missing seconds and zone names are taken (RFC 5322 §4.3); only the first 200
 * characters are read.
 */
export function parseDate(text: string): number | null {
  const read = readDate(text);
  return read === null ? null : read.clock - read.zone * 60_000;
}

/** The day that the text itself names, whatever its zone (RFC 3501 §6.4.4 SENTON): its midnight in UTC, ms. */
export function parseDay(text: string): number | null {
  const read = readDate(text);
  return read === null ? null : Math.floor(read.clock / DAY) * DAY;
}

/** `clock`: what a clock in that zone showed, as if it were UTC, in ms. `zone`: minutes east. */
function readDate(text: string): { readonly clock: number; readonly zone: number } | null {
  const words = dateWords(text.slice(0, 200));
  let at = 0;
  if (!isNumber(words[0] ?? '')) at++;
  const day = Number(words[at]);
  const month = MONTH_BY_NAME.get((words[at + 1] ?? '').slice(0, 3).toLowerCase());
  const yearText = words[at + 2] ?? '';
  const clock = (words[at + 3] ?? '').split(':');
  if (!isNumber(words[at] ?? '') || month === undefined || !isNumber(yearText)) return null;
  const [hour, minute, second] = [clock[0] ?? '', clock[1] ?? '', clock[2] ?? '0'];
  if (!isNumber(hour) || !isNumber(minute) || !isNumber(second)) return null;
  const year = fullYear(yearText);
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (day < 1 || day > 31 || h > 23 || m > 59 || s > 60 || year > 9999) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // A leap second, RFC 5322 §3.3, is the next minute's first.
  return { clock: date.setUTCHours(h, m, s), zone: zoneMinutes(words[at + 4] ?? '') };
}

/** RFC 5322 §4.3: 00–49 are 2000–2049, 50–99 and three digits count from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length >= 4) return year;
  if (text.length === 3 || year >= 50) return year + 1900;
  return year + 2000;
}

/** An unknown zone counts as `-0000`, RFC 5322 §4.3. */
function zoneMinutes(zone: string): number {
  const sign = zone[0];
  const digits = zone.slice(1);
  if ((sign === '+' || sign === '-') && digits.length === 4 && isNumber(digits)) {
    const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
    return sign === '-' ? -minutes : minutes;
  }
  return ZONES.get(zone.toLowerCase()) ?? 0;
}

function isNumber(text: string): boolean {
  if (text === '' || text.length > 9) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

/** Words between white space, commas and comments; `:` binds, also with white space beside it. */
function dateWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let depth = 0;
  let bind = false;
  const flush = (): void => {
    if (word !== '') words.push(word);
    word = '';
  };
  for (const char of text) {
    if (char === '(') depth++;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (depth > 0) continue;
    else if (char === ':') {
      if (word === '') word = words.pop() ?? '';
      word += ':';
      bind = true;
    } else if (char === ' ' || char === '\t' || char === ',' || char === '\r' || char === '\n') {
      if (!bind) flush();
    } else {
      bind = false;
      // `21-Nov-2026` is no RFC date, yet mail has it.
      if (char === '-' && word !== '' && words.length < 3) flush();
      else word += char;
    }
  }
  flush();
  return words;
}
