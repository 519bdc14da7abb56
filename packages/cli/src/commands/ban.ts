import type { Parsed } from '../options.ts';
import { printList, printOne } from '../output.ts';
import { UsageError } from '../usage.ts';
import { nounCommand, type Verb } from '../verbs.ts';

/** `waybill ban`: networks that no agent hears, the operator's and those that auth found. */
const USAGE = `waybill ban ls               list them, with their reasons
waybill ban add NETWORK      hear nobody from an address or a network like 192.0.2.0/24
  --reason TEXT         what for; the log says it whenever somebody comes from there
  --for 30m, 12h or 7d  until then (for good unless told)
waybill ban rm NETWORK       hear them again
Agents learn of it within seconds.`;

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    'ls',
    {
      words: [],
      async run(directory, parsed) {
        const { bans } = await directory.call('bans/list', {});
        printList(
          parsed,
          bans,
          {
            network: ({ network }) => network,
            until: ({ until }) => until ?? 'for good',
            by: ({ by }) => by,
            reason: ({ reason }) => reason,
          },
          'Everybody is heard.',
        );
      },
    },
  ],
  [
    'add',
    {
      words: ['NETWORK'],
      options: { reason: true, for: true },
      async run(directory, parsed) {
        const seconds = readDuration(parsed);
        const ban = await directory.call('bans/add', {
          network: parsed.words[0]!,
          reason: parsed.value('reason') ?? "the operator's word",
          ...(seconds === undefined ? {} : { seconds }),
        });
        printOne(
          parsed,
          ban,
          `${ban.network} is not heard ${ban.until === undefined ? 'any more' : `until ${ban.until}`}.`,
        );
      },
    },
  ],
  [
    'rm',
    {
      words: ['NETWORK'],
      async run(directory, parsed) {
        const network = parsed.words[0]!;
        await directory.call('bans/remove', { network });
        printOne(parsed, { removed: network }, `${network} is heard again.`);
      },
    },
  ],
]);

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** @throws UsageError */
function readDuration(parsed: Parsed): number | undefined {
  const text = parsed.value('for');
  if (text === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || Number(digits) === 0)
    throw new UsageError(`--for takes a time like 30m, 12h or 7d, not "${text}"`);
  return Number(digits) * SECONDS[unit]!;
}

export const ban = nounCommand('ban', USAGE, VERBS);
