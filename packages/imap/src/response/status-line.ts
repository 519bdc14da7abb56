/** Status responses of RFC 3501 §7.1 and the codes of RFC 4315 (UIDPLUS). Each function makes whole lines. */
import { compactNumbers } from './number-list.ts';
import { humanText } from './string.ts';

export type Status = 'OK' | 'NO' | 'BAD';

/** `tag OK [CODE] text`. `code` comes without its brackets. A null tag makes the untagged form. */
export function statusLine(tag: string | null, status: Status, text: string, code?: string): string {
  return `${tag ?? '*'} ${status} ${code === undefined ? '' : `[${code}] `}${humanText(text)}\r\n`;
}

/** `tag OK [CODE] text`. */
export function ok(tag: string | null, text: string, code?: string): string {
  return statusLine(tag, 'OK', text, code);
}

/** `tag OK [CODE] text`, the code first, for answers that live by it. */
export function okCode(tag: string | null, code: string, text: string): string {
  return statusLine(tag, 'OK', text, code);
}

/** `tag NO [CODE] text`: understood, and refused. */
export function no(tag: string | null, text: string, code?: string): string {
  return statusLine(tag, 'NO', text, code);
}

/** `tag BAD text`: not understood, or not now. */
export function bad(tag: string | null, text: string): string {
  return statusLine(tag, 'BAD', text);
}

/** `* BYE [CODE] text`, RFC 3501 §7.1.5. */
export function bye(text: string, code?: string): string {
  return `* BYE ${code === undefined ? '' : `[${code}] `}${humanText(text)}\r\n`;
}

/** `+ text`, RFC 3501 §7.5. The text of AUTHENTICATE's challenges is base64, else it is for people. */
export function continuation(text = ''): string {
  return `+ ${text}\r\n`;
}

/** APPENDUID, RFC 4315 §3. */
export function appendUidCode(uidValidity: number, uids: readonly number[]): string {
  return `APPENDUID ${uidValidity} ${compactNumbers(uids)}`;
}

/** COPYUID, RFC 4315 §3: both sets in the order in which the messages were copied. */
export function copyUidCode(uidValidity: number, from: readonly number[], to: readonly number[]): string {
  return `COPYUID ${uidValidity} ${compactNumbers(from)} ${compactNumbers(to)}`;
}
