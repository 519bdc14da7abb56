import { printList, printOne } from '../output.ts';
import { nounCommand, type Verb } from '../verbs.ts';

/** `waybill alias`: addresses of ours that stand for others, ours or not. */
const USAGE = `waybill alias add ADDRESS TARGET…    mail for ADDRESS goes to every TARGET (adds to those it has)
waybill alias ls [DOMAIN]            list aliases
waybill alias rm ADDRESS [TARGET…]   remove the alias, or only these targets`;

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    'add',
    {
      words: ['ADDRESS', 'TARGET'],
      optional: 'TARGET…',
      async run(directory, parsed) {
        const [address = '', ...targets] = parsed.words;
        const alias = await directory.call('aliases/add', { address, targets });
        printOne(parsed, alias, `${alias.address} stands for ${alias.targets.join(', ')}.`);
      },
    },
  ],
  [
    'ls',
    {
      words: [],
      optional: 'DOMAIN',
      async run(directory, parsed) {
        const aliases = await Array.fromAsync(directory.aliases(parsed.words[0]));
        printList(
          parsed,
          aliases,
          { alias: (alias) => alias.address, targets: (alias) => alias.targets.join(', ') },
          'No aliases: waybill alias add ADDRESS TARGET…',
        );
      },
    },
  ],
  [
    'rm',
    {
      words: ['ADDRESS'],
      optional: 'TARGET…',
      async run(directory, parsed) {
        const [address = '', ...targets] = parsed.words;
        await directory.call('aliases/remove', { address, ...(targets.length === 0 ? {} : { targets }) });
        printOne(
          parsed,
          { removed: address, targets },
          targets.length === 0
            ? `${address} stands for nobody any more.`
            : `${address} no longer stands for ${targets.join(', ')}.`,
        );
      },
    },
  ],
]);

export const alias = nounCommand('alias', USAGE, VERBS);
