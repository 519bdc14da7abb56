import type { Domain } from '@waybill/auth-client';
import type { Parsed } from '../options.ts';
import { printOne } from '../output.ts';
import { UsageError } from '../usage.ts';
import type { Verb } from '../verbs.ts';

/** `waybill domain policy`: what mx does with mail to a domain that fails DMARC, where the domain wants it otherwise. */
const WORDS = ['reject', 'junk', 'accept', 'default'] as const;

export const POLICY_VERB: Verb = {
  words: ['NAME'],
  options: { 'on-reject': true, 'on-quarantine': true },
  async run(directory, parsed) {
    const onReject = word(parsed, 'on-reject');
    const onQuarantine = word(parsed, 'on-quarantine');
    const { name, policy } = await directory.call('domains/set-policy', {
      name: parsed.words[0]!,
      ...(onReject === undefined ? {} : { onReject }),
      ...(onQuarantine === undefined ? {} : { onQuarantine }),
    });
    printOne(parsed, { name, ...policy }, `${name}: ${describePolicy(policy)}.`);
  },
};

export function describePolicy({ onReject, onQuarantine }: NonNullable<Domain['policy']> = {}): string {
  const said = [
    ...(onReject === undefined ? [] : [`on reject ${onReject}`]),
    ...(onQuarantine === undefined ? [] : [`on quarantine ${onQuarantine}`]),
  ];
  return said.length === 0 ? 'as mx is configured' : said.join(', ');
}

/** @throws UsageError */
function word(parsed: Parsed, option: string): (typeof WORDS)[number] | undefined {
  const value = parsed.value(option);
  const known = WORDS.find((one) => one === value);
  if (value !== undefined && known === undefined)
    throw new UsageError(`--${option} takes ${WORDS.join(', ')}; not "${value}"`);
  return known;
}
