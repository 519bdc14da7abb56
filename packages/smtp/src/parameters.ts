import { type Mailbox, parseMailbox, readPath } from './address.ts';
import { isAscii } from './domain.ts';
import type { MailParameters, Notify, RcptParameters } from './envelope.ts';
import { type Reply, reply } from './reply.ts';
import { decodeXtext } from './xtext.ts';

/** Which extensions EHLO offered to this peer: the parameters of others are unknown (RFC 5321 §4.1.1.11). */
export interface Offers {
  /** False after HELO: no parameter at all. */
  readonly extended: boolean;
  /** AUTH= of RFC 4954 §5. */
  readonly auth: boolean;
  /** XJOURNEY of MAIL; XDELIVERY, XACCOUNT and XJOURNEY of RCPT: between agents of one suite only. */
  readonly xwaybill: boolean;
}

export interface MailCommand {
  readonly from: Mailbox | undefined;
  readonly parameters: MailParameters;
}

export interface RcptCommand {
  readonly to: Mailbox;
  readonly parameters: RcptParameters;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };
/** Puts a value into the draft; answers false when it is malformed. */
type Setter<T> = (draft: Draft<T>, value: string | undefined) => boolean;
interface Parameter<T> {
  readonly set: Setter<T>;
  readonly offered: (offers: Offers) => boolean;
}

const always = (): boolean => true;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const MAIL = new Map<string, Parameter<MailParameters>>([
  ['SIZE', { offered: always, set: setSize }],
  ['BODY', { offered: always, set: setBody }],
  ['SMTPUTF8', { offered: always, set: setSmtpUtf8 }],
  ['RET', { offered: always, set: setRet }],
  ['ENVID', { offered: always, set: setEnvid }],
  ['AUTH', { offered: (offers) => offers.auth, set: setAuth }],
  ['XJOURNEY', { offered: (offers) => offers.xwaybill, set: uuid<MailParameters, 'journeyId'>('journeyId') }],
]);

const RCPT = new Map<string, Parameter<RcptParameters>>([
  ['NOTIFY', { offered: always, set: setNotify }],
  ['ORCPT', { offered: always, set: setOrcpt }],
  [
    'XDELIVERY',
    { offered: (offers) => offers.xwaybill, set: uuid<RcptParameters, 'deliveryId'>('deliveryId') },
  ],
  ['XJOURNEY', { offered: (offers) => offers.xwaybill, set: uuid<RcptParameters, 'journeyId'>('journeyId') }],
  ['XACCOUNT', { offered: (offers) => offers.xwaybill, set: setAccount }],
]);

/** Reads what follows the word MAIL. The reply says what is wrong with it. */
export function parseMail(argument: string, offers: Offers): MailCommand | Reply {
  const at = afterKeyword(argument, 'FROM:');
  if (at === -1) return reply(501, '5.5.4', 'Write MAIL FROM:<address>');
  const path = readPath(argument, at, false);
  if ('fault' in path) return reply(553, '5.1.7', `Sender address: ${path.fault}`);
  const draft: Draft<MailParameters> = { smtputf8: false };
  const refused = readParameters(argument, path.end, MAIL, draft, offers);
  if (refused !== undefined) return refused;
  if (!draft.smtputf8 && path.mailbox !== undefined && !isAscii(path.mailbox.local)) return NEEDS_SMTPUTF8;
  return { from: path.mailbox, parameters: draft };
}

/** Reads what follows the word RCPT; `smtputf8` is what MAIL asked for. */
export function parseRcpt(argument: string, offers: Offers, smtputf8: boolean): RcptCommand | Reply {
  const at = afterKeyword(argument, 'TO:');
  if (at === -1) return reply(501, '5.5.4', 'Write RCPT TO:<address>');
  const path = readPath(argument, at, true);
  if ('fault' in path) return reply(553, '5.1.3', `Recipient address: ${path.fault}`);
  if (path.mailbox === undefined) return reply(553, '5.1.3', 'The null address receives no mail');
  const draft: Draft<RcptParameters> = {};
  const refused = readParameters(argument, path.end, RCPT, draft, offers);
  if (refused !== undefined) return refused;
  if (!smtputf8 && !isAscii(path.mailbox.local)) return NEEDS_SMTPUTF8;
  return { to: path.mailbox, parameters: draft };
}

// RFC 6531 §3.5
const NEEDS_SMTPUTF8 = reply(553, '5.6.7', 'This address needs SMTPUTF8 on MAIL FROM');

/** The offset behind `FROM:` or `TO:` and the spaces that many clients write after it, or -1. */
function afterKeyword(argument: string, keyword: string): number {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return -1;
  let at = keyword.length;
  while (argument[at] === ' ') at++;
  return at;
}

function readParameters<T>(
  argument: string,
  from: number,
  table: ReadonlyMap<string, Parameter<T>>,
  draft: Draft<T>,
  offers: Offers,
): Reply | undefined {
  if (from === argument.length) return undefined;
  if (argument[from] !== ' ') return reply(501, '5.5.4', 'A space stands between address and parameters');
  const seen = new Set<string>();
  for (const word of argument.slice(from).split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const keyword = (equals === -1 ? word : word.slice(0, equals)).toUpperCase();
    const parameter = table.get(keyword);
    if (parameter === undefined || !offers.extended || !parameter.offered(offers))
      return reply(555, '5.5.4', 'Parameter not recognised'); // RFC 5321 §4.1.1.11
    if (seen.has(keyword)) return reply(501, '5.5.4', `${keyword} stands twice`);
    seen.add(keyword);
    // RFC 3030 §3 is not offered: such a message has no lines, and nobody down the way could be given it.
    if (keyword === 'BODY' && word.slice(5).toUpperCase() === 'BINARYMIME')
      return reply(555, '5.5.4', 'BODY=BINARYMIME is not offered');
    if (!parameter.set(draft, equals === -1 ? undefined : word.slice(equals + 1)))
      return reply(501, '5.5.4', `Malformed value of ${keyword}`);
  }
  return undefined;
}

function setSize(draft: Draft<MailParameters>, value: string | undefined): boolean {
  // RFC 1870 §4: 1*20DIGIT
  if (value === undefined || !/^\d{1,20}$/.test(value)) return false;
  draft.size = Number(value);
  return true;
}

function setBody(draft: Draft<MailParameters>, value: string | undefined): boolean {
  const body = value?.toUpperCase();
  if (body !== '7BIT' && body !== '8BITMIME') return false;
  draft.body = body;
  return true;
}

function setSmtpUtf8(draft: Draft<MailParameters>, value: string | undefined): boolean {
  draft.smtputf8 = value === undefined;
  return value === undefined;
}

function setRet(draft: Draft<MailParameters>, value: string | undefined): boolean {
  const ret = value?.toUpperCase();
  if (ret !== 'FULL' && ret !== 'HDRS') return false;
  draft.ret = ret;
  return true;
}

function setEnvid(draft: Draft<MailParameters>, value: string | undefined): boolean {
  // RFC 3461 §4.4: at most 100 characters as sent.
  if (value === undefined || value === '' || value.length > 100) return false;
  const envid = decodeXtext(value);
  if (envid === undefined) return false;
  draft.envid = envid;
  return true;
}

function setAuth(draft: Draft<MailParameters>, value: string | undefined): boolean {
  const auth = value === undefined ? undefined : decodeXtext(value);
  // RFC 4954 §5: a mailbox, or <> for nobody.
  if (auth === undefined || (auth !== '<>' && parseMailbox(auth) === undefined)) return false;
  draft.auth = auth;
  return true;
}

function setNotify(draft: Draft<RcptParameters>, value: string | undefined): boolean {
  if (value === undefined) return false;
  const words = value.toUpperCase().split(',');
  const known = new Set(['NEVER', 'SUCCESS', 'FAILURE', 'DELAY']);
  if (words.length > 3 || !words.every((word) => known.has(word))) return false;
  const never = words.includes('NEVER');
  // RFC 3461 §4.1: NEVER stands alone.
  if (never && words.length > 1) return false;
  const notify: Notify = {
    never,
    success: words.includes('SUCCESS'),
    failure: words.includes('FAILURE'),
    delay: words.includes('DELAY'),
  };
  draft.notify = notify;
  return true;
}

function setOrcpt(draft: Draft<RcptParameters>, value: string | undefined): boolean {
  // RFC 3461 §4.2: at most 500 characters as sent.
  if (value === undefined || value.length > 500) return false;
  const semicolon = value.indexOf(';');
  const type = value.slice(0, Math.max(semicolon, 0));
  if (!/^[A-Za-z0-9-]{1,40}$/.test(type)) return false;
  const address = originalAddress(type.toLowerCase(), value.slice(semicolon + 1));
  if (address === undefined || address === '') return false;
  draft.orcpt = `${type.toLowerCase()};${address}`;
  return true;
}

/** RFC 6533 §3: utf-8 addresses come as UTF-8 or with `\x{…}`, and are kept as they are written. */
function originalAddress(type: string, text: string): string | undefined {
  if (type !== 'utf-8') return decodeXtext(text);
  return /[\p{Cc}\p{Z}]/u.test(text) ? undefined : text;
}

function uuid<T extends { readonly [Key in K]?: string }, K extends string>(key: K): Setter<T> {
  return (draft, value) => {
    const id = value?.toLowerCase();
    if (id === undefined || !UUID.test(id)) return false;
    Object.assign(draft, { [key]: id });
    return true;
  };
}

function setAccount(draft: Draft<RcptParameters>, value: string | undefined): boolean {
  if (value === undefined || !/^\d{1,19}$/.test(value)) return false;
  draft.accountId = value;
  return true;
}
