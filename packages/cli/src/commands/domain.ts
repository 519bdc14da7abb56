import type { Command } from '../command-table.ts';
import { printList, printOne } from '../output.ts';
import { describePolicy, POLICY_VERB } from './domain-policy.ts';
import { UsageError } from '../usage.ts';
import { nounCommand, type Verb } from '../verbs.ts';
import { domainRecords, RECORDS_USAGE } from './domain-records.ts';
import { ROTATE_USAGE, rotateDkim } from './rotate-dkim.ts';

/** `waybill domain`: the domains that are ours, and how their mail travels. */
const USAGE = `waybill domain add NAME      make a domain ours
  --route local         filed by our mda (the default)
  --route mx            sent to the domain's MX
  --route lmtp://H:P    handed to another MDA
  --recipients any      let the route's end decide who exists (the default for lmtp://)
  --recipients listed   only who is in the directory exists (else the default)
waybill domain ls            list them
waybill domain policy NAME   what mx does with mail to it that fails DMARC; shows it without options
  --on-reject WORD      its owner says reject: reject, junk, accept, or default (as mx is configured)
  --on-quarantine WORD  its owner says quarantine: the same words
waybill domain rm NAME       remove one that has no accounts or aliases left`;

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  [
    'add',
    {
      words: ['NAME'],
      options: { route: true, recipients: true },
      async run(directory, parsed) {
        const route = parsed.value('route');
        const recipients = parsed.value('recipients');
        if (recipients !== undefined && recipients !== 'any' && recipients !== 'listed')
          throw new UsageError(`--recipients takes any or listed, not "${recipients}"`);
        const domain = await directory.call('domains/add', {
          name: parsed.words[0]!,
          ...(route === undefined ? {} : { route }),
          ...(recipients === undefined ? {} : { recipients }),
        });
        printOne(
          parsed,
          domain,
          `${domain.name} is ours, its mail goes ${domain.route}. Next: waybill user add you@${domain.name}`,
        );
      },
    },
  ],
  [
    'ls',
    {
      words: [],
      async run(directory, parsed) {
        const domains = await Array.fromAsync(directory.domains());
        printList(
          parsed,
          domains,
          {
            domain: (domain) => domain.name,
            route: (domain) => domain.route,
            recipients: (domain) => domain.recipients,
            policy: ({ policy }) => describePolicy(policy),
          },
          'No domain yet: waybill domain add NAME',
        );
      },
    },
  ],
  ['policy', POLICY_VERB],
  [
    'rm',
    {
      words: ['NAME'],
      async run(directory, parsed) {
        const name = parsed.words[0]!;
        await directory.call('domains/remove', { name });
        printOne(parsed, { removed: name }, `${name} is no longer ours.`);
      },
    },
  ],
  ['rotate-dkim', rotateDkim],
]);

const directoryVerbs = nounCommand('domain', `${USAGE}\n${ROTATE_USAGE}\n${RECORDS_USAGE}`, VERBS);

export const domain: Command = {
  usage: directoryVerbs.usage,
  // What is to be published can be said without the directory.
  run: (args) => (args[0] === 'records' ? domainRecords(args.slice(1)) : directoryVerbs.run(args)),
};
