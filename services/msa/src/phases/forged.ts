/**
 * Fields that only our own hosts may write, and that a writer could forge to look checked: they are taken off what is
 * submitted. Pure.
 */
import { fieldValue, type HeaderField } from '@waybill/message';

/** What our agents tell each other within a message. */
const OURS = 'x-waybill-';

/** Whether the field claims to be from a host of ours, which has never seen the message. */
export function isForged(octets: Buffer, field: HeaderField, hostname: string): boolean {
  if (field.name.startsWith(OURS)) return true;
  if (field.name !== 'authentication-results') return false;
  const id = authservId(fieldValue(octets, field));
  // RFC 8601 §5: what cannot be told from our own goes, too.
  return id === undefined || isOurHost(id, hostname);
}

/** The host itself, its domain and everything in it: mx has a name beside ours. */
function isOurHost(id: string, hostname: string): boolean {
  const host = hostname.toLowerCase();
  const name = id.toLowerCase().replace(/\.$/, '');
  const domain = host.slice(host.indexOf('.') + 1);
  if (name === host) return true;
  return domain.includes('.') && (name === domain || name.endsWith(`.${domain}`));
}

/** RFC 8601 §2.2: [CFWS] authserv-id, a token or a quoted string. Undefined when there is none that can be read. */
function authservId(value: string): string | undefined {
  const at = afterComments(value);
  if (at === undefined) return undefined;
  if (value[at] === '"') {
    const close = value.indexOf('"', at + 1);
    const text = close === -1 ? '' : value.slice(at + 1, close);
    return text === '' || text.includes('\\') ? undefined : text;
  }
  let end = at;
  while (end < value.length && !' \t;("'.includes(value[end]!)) end++;
  return end === at ? undefined : value.slice(at, end);
}

/** Where the first character that is neither white space nor comment stands; undefined where a comment has no end. */
function afterComments(value: string): number | undefined {
  let depth = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value[i];
    if (c === '\\' && depth > 0) i++;
    else if (c === '(') depth++;
    else if (c === ')' && depth > 0) depth--;
    else if (depth === 0 && c !== ' ' && c !== '\t') return i;
  }
  return depth === 0 ? value.length : undefined;
}
