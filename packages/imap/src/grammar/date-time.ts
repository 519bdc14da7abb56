/** `date` and `date-time` of RFC 3501 §9. */
import { DIGIT, OCTET } from '../octet-class.ts';
import type { Scanner } from '../scanner.ts';
import { fixedDigits } from './number.ts';

export const MONTHS = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const;
const MONTH_INDEX = new Map<string, number>(MONTHS.map((name, index) => [name.toUpperCase(), index]));

/** `date`: 1-Feb-1994, with or without quotes. Midnight UTC of that day in ms. */
export function date(scanner: Scanner): number {
  const quoted = scanner.tryOctet(OCTET.quote);
  const start = scanner.offset;
  const digits = scanner.takeRun(DIGIT);
  if (digits.length < 1 || digits.length > 2) scanner.fail('a day of the month', start);
  const day = monthAndYear(scanner, Number(digits), start);
  if (quoted) scanner.expectOctet(OCTET.quote);
  return day;
}

/** `date-time`: "17-Jul-1996 02:44:25 -0700". Its instant in ms since the epoch. */
export function dateTime(scanner: Scanner): number {
  scanner.expectOctet(OCTET.quote, 'a date and time in quotes');
  const start = scanner.offset;
  // RFC 3501 §9 date-day-fixed: two digits, or a space and one.
  const day = scanner.tryOctet(OCTET.space)
    ? fixedDigits(scanner, 1, 'a day of one digit')
    : fixedDigits(scanner, 2, 'a day of two digits');
  const midnight = monthAndYear(scanner, day, start);
  scanner.expectSpace();
  const clock = scanner.offset;
  const hour = fixedDigits(scanner, 2, 'an hour of two digits');
  scanner.expectOctet(OCTET.colon);
  const minute = fixedDigits(scanner, 2, 'a minute of two digits');
  scanner.expectOctet(OCTET.colon);
  const second = fixedDigits(scanner, 2, 'a second of two digits');
  // 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) scanner.fail('a time of day', clock);
  scanner.expectSpace();
  const zone = zoneMinutes(scanner);
  scanner.expectOctet(OCTET.quote);
  return midnight + (hour * 3_600 + minute * 60 + second) * 1_000 - zone * 60_000;
}

function zoneMinutes(scanner: Scanner): number {
  const start = scanner.offset;
  const west = scanner.tryOctet(OCTET.minus);
  if (!west) scanner.expectOctet(OCTET.plus, 'a zone such as +0100');
  const digits = fixedDigits(scanner, 4, 'a zone of four digits');
  const minutes = Math.trunc(digits / 100) * 60 + (digits % 100);
  if (digits % 100 > 59 || digits > 2_359) scanner.fail('a zone such as +0100', start);
  return west ? -minutes : minutes;
}

/** "-" month "-" year behind a day; `start` is where the day stood. */
function monthAndYear(scanner: Scanner, day: number, start: number): number {
  scanner.expectOctet(OCTET.minus);
  const monthAt = scanner.offset;
  // The month's letters end at "-", which is an atom's character too: take three octets.
  const month = MONTH_INDEX.get(scanner.text.toString('latin1', monthAt, monthAt + 3).toUpperCase());
  if (month === undefined) return scanner.fail('a month such as Jan', monthAt);
  scanner.offset = monthAt + 3;
  scanner.expectOctet(OCTET.minus);
  const year = fixedDigits(scanner, 4, 'a year of four digits');
  const at = new Date(0);
  at.setUTCFullYear(year, month, day);
  if (at.getUTCDate() !== day || day === 0) scanner.fail('a day that this month has', start);
  return at.getTime();
}
