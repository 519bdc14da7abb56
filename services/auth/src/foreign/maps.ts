import type { Resolution } from '@waybill/auth-client';
import { formatAddress, parseAddress } from '../address.ts';
import type { DirectoryQuestions } from './directory-questions.ts';

/**
 * The tables of a foreign MTA, answered from the directory. Postfix asks socketmap tables for whole addresses and
 * whole domains only: tags and aliases of aliases are our work, as for our own agents.
 */
export type Found =
  | { readonly kind: 'found'; readonly value: string }
  | { readonly kind: 'not-found' }
  /** It cannot be said now; never to be taken for not-found. */
  | { readonly kind: 'try-later'; readonly reason: string };

/** Octets of a value that Postfix takes (socketmap_table(5)), less the word in front of it. */
const MAX_VALUE = 99_000;

const NOT_FOUND: Found = { kind: 'not-found' };
const TOO_LARGE: Found = { kind: 'try-later', reason: 'the alias leads too far or to too many' };

type LookUp = (key: string, directory: DirectoryQuestions) => Promise<Found>;

/** Each by its name. They throw what the database throws. */
export const MAPS: ReadonlyMap<string, LookUp> = new Map<string, LookUp>([
  ['domains', domains],
  ['mailboxes', mailboxes],
  ['aliases', aliases],
  ['senders', senders],
  ['transports', transports],
]);

/** virtual_mailbox_domains: is the domain ours? The value is its name. */
async function domains(key: string, directory: DirectoryQuestions): Promise<Found> {
  const domain = await directory.domain(key);
  return domain === undefined ? NOT_FOUND : found(domain.name);
}

/**
 * virtual_mailbox_maps: does mail for the address end here? The value is the account's primary address, or the
 * address itself in a domain whose end knows its users better.
 */
async function mailboxes(key: string, directory: DirectoryQuestions): Promise<Found> {
  const { resolution, tooLarge } = await directory.resolve(key);
  switch (resolution.status) {
    case 'mailbox':
      return found(resolution.account.address);
    case 'alias': {
      const address = asListed(key);
      return isItself(resolution.targets, address) ? found(address) : NOT_FOUND;
    }
    case 'try-later':
      return tryLater(tooLarge);
    default:
      return NOT_FOUND;
  }
}

/** virtual_alias_maps: all that the alias leads to in the end, of ours or not, with commas. */
async function aliases(key: string, directory: DirectoryQuestions): Promise<Found> {
  const { resolution, tooLarge } = await directory.resolve(key);
  if (resolution.status === 'try-later') return tryLater(tooLarge);
  if (resolution.status !== 'alias' || isItself(resolution.targets, asListed(key))) return NOT_FOUND;
  const value = resolution.targets.map((target) => target.address).join(', ');
  return Buffer.byteLength(value) > MAX_VALUE ? TOO_LARGE : found(value);
}

/**
 * smtpd_sender_login_maps: the logins, as the SASL door says them, of the accounts that may send as the address:
 * its owner and those who were granted it.
 */
async function senders(key: string, directory: DirectoryQuestions): Promise<Found> {
  const address = parseAddress(key);
  if (address === undefined) return NOT_FOUND;
  const [{ resolution, tooLarge, soleOwner }, granted] = await Promise.all([
    directory.resolve(key),
    directory.granted(address),
  ]);
  if (resolution.status === 'try-later') return tryLater(tooLarge);
  const owner = soleOwner?.active === true ? ownerOf(resolution) : undefined;
  const logins = new Set(owner === undefined ? granted : [owner, ...granted]);
  // Postfix parts the list at commas and blanks: a login that holds one cannot be said in it, and may not send.
  const value = [...logins].filter((login) => !/[\s,]/.test(login)).join(', ');
  if (value === '') return NOT_FOUND;
  return Buffer.byteLength(value) > MAX_VALUE ? TOO_LARGE : found(value);
}

function ownerOf(resolution: Resolution): string | undefined {
  if (resolution.status === 'mailbox') return resolution.account.address;
  return resolution.status === 'alias' ? resolution.targets[0]?.account?.address : undefined;
}

/** transport_maps: only of domains that another MDA keeps; for the rest Postfix's own virtual_transport holds. */
async function transports(key: string, directory: DirectoryQuestions): Promise<Found> {
  const domain = await directory.domain(key.slice(key.lastIndexOf('@') + 1));
  const route = domain?.route ?? '';
  return route.startsWith('lmtp://') ? found(`lmtp:inet:${route.slice('lmtp://'.length)}`) : NOT_FOUND;
}

function found(value: string): Found {
  return { kind: 'found', value };
}

function tryLater(tooLarge: boolean): Found {
  return tooLarge ? TOO_LARGE : { kind: 'try-later', reason: 'the directory cannot answer now' };
}

function asListed(key: string): string {
  const address = parseAddress(key);
  return address === undefined ? key : formatAddress(address);
}

function isItself(targets: readonly { readonly address: string }[], address: string): boolean {
  return targets.length === 1 && targets[0]?.address === address;
}
