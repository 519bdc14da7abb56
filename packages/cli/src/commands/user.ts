import { type DirectoryClient, MAIN_LABEL } from '@waybill/auth-client';
import type { Parsed } from '../options.ts';
import { printList, printOne } from '../output.ts';
import {
  HASH_OPTION,
  HASH_USAGE,
  PASSWORD_OPTIONS,
  PASSWORD_USAGE,
  readPassword,
} from '../password-input.ts';
import { nounCommand, type Verb } from '../verbs.ts';
import { IDENTITY_USAGE, IDENTITY_VERBS } from './user-identity.ts';

/** `waybill user`: accounts and their passwords. */
const USAGE = `waybill user add ADDRESS     make an account; asks for its password unless told
${PASSWORD_USAGE}
${HASH_USAGE}
  --quota-bytes N       octets it may store (0: unlimited)
  --quota-messages N    messages it may store (0: unlimited)
waybill user ls [DOMAIN]     list accounts
waybill user passwd ADDRESS  set its password, in the same ways
  --label NAME          another password beside the main one, for one app
waybill user suspend ADDRESS it gets mail but can neither log in nor send
waybill user resume ADDRESS  it can again
waybill user rm ADDRESS      remove the account
${IDENTITY_USAGE}`;

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    'add',
    {
      words: ['ADDRESS'],
      options: { ...PASSWORD_OPTIONS, ...HASH_OPTION, 'quota-bytes': true, 'quota-messages': true },
      async run(directory, parsed) {
        const quotaBytes = parsed.count('quota-bytes');
        const quotaMessages = parsed.count('quota-messages');
        const { given, password, generated } = await readPassword(parsed);
        const account = await directory.call('accounts/add', {
          address: parsed.words[0]!,
          ...given,
          ...(quotaBytes === undefined ? {} : { quotaBytes }),
          ...(quotaMessages === undefined ? {} : { quotaMessages }),
        });
        printOne(
          parsed,
          generated ? { ...account, password } : account,
          `${account.address} has an account${generated ? `, its password is ${password}` : ''}.`,
        );
      },
    },
  ],
  [
    'ls',
    {
      words: [],
      optional: 'DOMAIN',
      async run(directory, parsed) {
        const accounts = await Array.fromAsync(directory.accounts(parsed.words[0]));
        printList(
          parsed,
          accounts,
          {
            address: (account) => account.address,
            state: (account) =>
              account.held === undefined ? account.state : `${account.state}, held: ${account.held}`,
            'quota bytes': (account) => quota(account.quotaBytes),
            'quota messages': (account) => quota(account.quotaMessages),
            id: (account) => account.accountId,
          },
          'No accounts: waybill user add ADDRESS',
        );
      },
    },
  ],
  [
    'passwd',
    {
      words: ['ADDRESS'],
      options: { ...PASSWORD_OPTIONS, ...HASH_OPTION, label: true },
      async run(directory, parsed) {
        const { given, password, generated } = await readPassword(parsed);
        const address = parsed.words[0]!;
        const label = parsed.value('label') ?? MAIN_LABEL;
        const credential = await directory.call('credentials/set', { address, label, ...given });
        printOne(
          parsed,
          generated ? { address, ...credential, password } : { address, ...credential },
          `The password of ${address}${label === MAIN_LABEL ? '' : ` for ${label}`} is set${generated ? ` to ${password}` : ''}.`,
        );
      },
    },
  ],
  ...IDENTITY_VERBS,
  ['suspend', { words: ['ADDRESS'], run: (directory, parsed) => setState(directory, parsed, 'suspended') }],
  ['resume', { words: ['ADDRESS'], run: (directory, parsed) => setState(directory, parsed, 'active') }],
  [
    'rm',
    {
      words: ['ADDRESS'],
      async run(directory, parsed) {
        const address = parsed.words[0]!;
        await directory.call('accounts/remove', { address });
        printOne(parsed, { removed: address }, `${address} has no account any more.`);
      },
    },
  ],
]);

async function setState(
  directory: DirectoryClient,
  parsed: Parsed,
  state: 'active' | 'suspended',
): Promise<void> {
  const account = await directory.call('accounts/set-state', { address: parsed.words[0]!, state });
  printOne(parsed, account, `${account.address} is ${account.state}.`);
}

function quota(limit: number): string {
  return limit === 0 ? 'unlimited' : String(limit);
}

export const user = nounCommand('user', USAGE, VERBS);
