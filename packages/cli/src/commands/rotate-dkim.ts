import type { DkimKey } from '@waybill/auth-client';
import { printOne } from '../output.ts';
import { zoneLine } from '../records/record.ts';
import type { Verb } from '../verbs.ts';

/** `waybill domain rotate-dkim`: new keys that sign for a domain, without a moment in which its mail cannot be verified. */
export const ROTATE_USAGE = `waybill domain rotate-dkim NAME   make the next DKIM keys, or say where they stand
  --now                 sign with them at once, published or not: for a key that has leaked`;

export const rotateDkim: Verb = {
  words: ['NAME'],
  options: { now: false },
  async run(directory, parsed) {
    const name = parsed.words[0]!;
    const { keys } = await directory.call('domains/rotate-dkim', { name, now: parsed.flag('now') });
    printOne(parsed, { domain: name, keys }, whereTheyStand(keys));
  },
};

/** What to do, and what happens by itself. Pure. */
export function whereTheyStand(keys: readonly DkimKey[]): string {
  const of = (state: DkimKey['state']): readonly DkimKey[] => keys.filter((key) => key.state === state);
  const zoneLines = (some: readonly DkimKey[]): string[] =>
    some.map(({ name, record }) => `  ${zoneLine({ name, type: 'TXT', value: record })}`);
  const parts: string[] = [];
  const unseen = of('pending').filter(({ seenAt }) => seenAt === undefined);
  const seen = of('pending').filter(({ seenAt }) => seenAt !== undefined);
  if (unseen.length > 0)
    parts.push(
      'Publish these, and leave all others as they are:',
      ...zoneLines(unseen),
      'When they have been in the DNS for a while (10 minutes), the new keys sign: nothing more is to be done.',
    );
  for (const { name, seenAt } of seen)
    parts.push(`${name} is in the DNS since ${clock(seenAt)}: its key signs soon.`);
  for (const { selector, algorithm, activatedAt } of of('active'))
    parts.push(`${selector} (${algorithm}) signs since ${clock(activatedAt)}.`);
  const retiring = of('retiring');
  if (retiring.length > 0)
    parts.push(
      'These sign no more, but mail under way needs their records for a week still. Leave them:',
      ...retiring.map(({ name, retiringAt }) => `  ${name} (since ${clock(retiringAt)})`),
    );
  const retired = of('retired');
  if (retired.length > 0)
    parts.push('These are over. Their records may be taken out:', ...retired.map(({ name }) => `  ${name}`));
  return parts.join('\n');
}

function clock(time: string | undefined): string {
  return time === undefined ? 'a while' : `${time.slice(0, 16).replace('T', ' ')} UTC`;
}
