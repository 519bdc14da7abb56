import { type DirectoryRequest, type Scope, SCOPES } from '@waybill/auth-client';
import type { Parsed } from '../options.ts';
import { printList, printOne } from '../output.ts';
import { UsageError } from '../usage.ts';
import type { Verb } from '../verbs.ts';

/** The verbs of `waybill user` about who may come and send: app passwords, grants, limits, holds. */
export const IDENTITY_USAGE = `waybill user app-password add ADDRESS LABEL   a password for one app, made here and shown once
  --scope smtp,imap,pop3 what it is good for (all three unless told)
waybill user app-password ls ADDRESS          list them, with their last use
waybill user app-password rm ADDRESS LABEL    that app gets in no more
waybill user grant add ADDRESS SENDER   it may send as SENDER: an address, or @domain
waybill user grant ls ADDRESS           what it was granted
waybill user grant rm ADDRESS SENDER    it may no more
waybill user limit ADDRESS   what it may send, where that differs from auth's settings; shows it without options
  --messages-per-hour N    --messages-per-day N    --recipients-per-hour N    --recipients-per-day N
                         a number, 0 for unlimited, default for auth's setting
waybill user hold ADDRESS    it gets mail and logs in, but sends nothing
  --reason TEXT          what for; waybill user ls shows it
waybill user release ADDRESS it sends again`;

type Limits = Omit<DirectoryRequest<'accounts/set-limits'>, 'address'>;
const LIMIT_OPTIONS: Readonly<Record<string, keyof Limits>> = {
  'messages-per-hour': 'messagesPerHour',
  'messages-per-day': 'messagesPerDay',
  'recipients-per-hour': 'recipientsPerHour',
  'recipients-per-day': 'recipientsPerDay',
};

export const IDENTITY_VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    'app-password add',
    {
      words: ['ADDRESS', 'LABEL'],
      options: { scope: true },
      async run(directory, parsed) {
        const [address = '', label = ''] = parsed.words;
        const scopes = readScopes(parsed.value('scope'));
        const made = await directory.call('app-passwords/add', { address, label, scopes });
        printOne(
          parsed,
          { address, ...made },
          `The password of ${address} for ${label} (${made.scopes.join(', ')}) is ${made.password}\nIt is shown this once.`,
        );
      },
    },
  ],
  [
    'app-password ls',
    {
      words: ['ADDRESS'],
      async run(directory, parsed) {
        const { appPasswords } = await directory.call('app-passwords/list', { address: parsed.words[0]! });
        printList(
          parsed,
          appPasswords,
          {
            label: ({ label }) => label,
            scope: ({ scopes }) => scopes.join(','),
            created: ({ createdAt }) => createdAt,
            'last used': ({ lastUsedAt }) => lastUsedAt ?? 'never',
          },
          'No app passwords: waybill user app-password add ADDRESS LABEL',
        );
      },
    },
  ],
  [
    'app-password rm',
    {
      words: ['ADDRESS', 'LABEL'],
      async run(directory, parsed) {
        const [address = '', label = ''] = parsed.words;
        await directory.call('app-passwords/remove', { address, label });
        printOne(
          parsed,
          { address, removed: label },
          `The password of ${address} for ${label} opens nothing any more.`,
        );
      },
    },
  ],
  [
    'grant add',
    {
      words: ['ADDRESS', 'SENDER'],
      async run(directory, parsed) {
        const [address = '', sender = ''] = parsed.words;
        const grant = await directory.call('grants/add', { address, sender });
        printOne(parsed, grant, `${grant.address} may send as ${grant.sender}.`);
      },
    },
  ],
  [
    'grant ls',
    {
      words: ['ADDRESS'],
      async run(directory, parsed) {
        const { senders } = await directory.call('grants/list', { address: parsed.words[0]! });
        printList(
          parsed,
          senders.map((sender) => ({ sender })),
          { sender: ({ sender }) => sender },
          'Nothing beyond its own addresses and aliases: waybill user grant add ADDRESS SENDER',
        );
      },
    },
  ],
  [
    'grant rm',
    {
      words: ['ADDRESS', 'SENDER'],
      async run(directory, parsed) {
        const [address = '', sender = ''] = parsed.words;
        await directory.call('grants/remove', { address, sender });
        printOne(parsed, { address, removed: sender }, `${address} may no longer send as ${sender}.`);
      },
    },
  ],
  [
    'limit',
    {
      words: ['ADDRESS'],
      options: Object.fromEntries(Object.keys(LIMIT_OPTIONS).map((name) => [name, true])),
      async run(directory, parsed) {
        const address = parsed.words[0]!;
        const limits = await directory.call('accounts/set-limits', { address, ...readLimits(parsed) });
        const said = Object.entries(LIMIT_OPTIONS).map(([option, name]) => {
          const limit = limits[name];
          const words = limit === 0 ? 'unlimited' : (limit ?? "as auth's settings say");
          return `${option.replaceAll('-', ' ')}: ${words}`;
        });
        printOne(parsed, { address, ...limits }, `${address} may send\n  ${said.join('\n  ')}`);
      },
    },
  ],
  [
    'hold',
    {
      words: ['ADDRESS'],
      options: { reason: true },
      async run(directory, parsed) {
        const reason = parsed.value('reason') ?? "the operator's word";
        const held = await directory.call('accounts/hold', { address: parsed.words[0]!, reason });
        printOne(parsed, held, `${held.address} sends nothing until waybill user release: ${held.held}.`);
      },
    },
  ],
  [
    'release',
    {
      words: ['ADDRESS'],
      async run(directory, parsed) {
        const address = parsed.words[0]!;
        await directory.call('accounts/release', { address });
        printOne(parsed, { released: address }, `${address} may send again.`);
      },
    },
  ],
]);

/** @throws UsageError */
function readLimits(parsed: Parsed): Limits {
  const limits: { [L in keyof Limits]: number | null } = {};
  for (const [option, name] of Object.entries(LIMIT_OPTIONS)) {
    if (parsed.value(option) === 'default') limits[name] = null;
    else {
      const limit = parsed.count(option);
      if (limit !== undefined) limits[name] = limit;
    }
  }
  return limits;
}

/** @throws UsageError */
function readScopes(text: string | undefined): Scope[] {
  if (text === undefined) return [...SCOPES];
  return text.split(',').map((word) => {
    const scope = SCOPES.find((name) => name === word.trim());
    if (scope === undefined)
      throw new UsageError(`--scope takes ${SCOPES.join(', ')}, with commas; not "${word}"`);
    return scope;
  });
}
