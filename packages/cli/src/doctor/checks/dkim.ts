import { dkimName, dkimRecord } from '../../records/publish-list.ts';
import type { DkimKey } from '../../records/dkim-keys.ts';
import type { DnsRecord } from '../../records/record.ts';
import { type Facts, failure, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok } from '../finding.ts';
import { squeezed, tagList } from '../tag-list.ts';

/** The public keys of our signatures, against those that auth holds (RFC 6376 §3.6.1). */
export const DKIM_CHECKS: readonly Check[] = [
  { id: 'DKIM-1', title: 'DKIM keys are published', level: 'required', look: present },
  {
    id: 'DKIM-2',
    title: 'Published keys are those that sign',
    level: 'required',
    look: (facts) => compared(facts, 'differs'),
  },
  {
    id: 'DKIM-3',
    title: 'Published keys are whole',
    level: 'required',
    look: (facts) => compared(facts, 'cut'),
  },
  {
    id: 'DKIM-4',
    title: 'One clean record a key',
    level: 'required',
    look: (facts) => compared(facts, 'unclean'),
  },
];

interface Fault {
  readonly kind: 'differs' | 'cut' | 'unclean';
  readonly means: string;
  readonly text: string;
}

/** What is wrong with the texts at a key's name; undefined where nothing is. `texts` is not empty. */
export function keyFault(key: DkimKey, texts: readonly string[]): Fault | undefined {
  const wanted = squeezed(tagList(key.record).get('p') ?? '');
  const paste = 'Paste the whole record again.';
  if (texts.length > 1)
    return {
      kind: 'unclean',
      means: `there are ${texts.length} records: receivers take any one of them (RFC 6376 §3.6.2.2)`,
      text: 'Take all away but the one below.',
    };
  const [text = ''] = texts;
  const stray = ['"', '\\', '“', '”'].find((sign) => text.includes(sign));
  if (stray !== undefined)
    return {
      kind: 'unclean',
      means: `the text holds ${stray === '\\' ? 'backslashes' : 'quotes'}, which belong to the zone file and not to the key`,
      text: `Paste it without ${stray === '\\' ? 'backslashes' : 'quotes'}: your panel adds what is needed.`,
    };
  const tags = tagList(text);
  const published = tags.get('p');
  if (published === undefined)
    return { kind: 'differs', means: `\`${shortened(text)}\` is no key: it has no p=`, text: paste };
  const found = squeezed(published);
  if (found === '' && wanted !== '')
    return { kind: 'differs', means: 'the key is published as revoked (p= is empty)', text: paste };
  if (found !== wanted) {
    if (wanted.startsWith(found))
      return {
        kind: 'cut',
        means: `the published key stops after ${found.length} of ${wanted.length} characters`,
        text: `The published key stops after ${found.length} of ${wanted.length} characters: paste the split form.`,
      };
    return { kind: 'differs', means: 'another key is published than the one that signs', text: paste };
  }
  const version = tags.get('v');
  const kind = tags.get('k') ?? 'rsa';
  const wantedKind = tagList(key.record).get('k') ?? 'rsa';
  if (version !== undefined && (version !== 'DKIM1' || !text.trimStart().startsWith('v')))
    return { kind: 'differs', means: 'v=DKIM1 must stand first, and in capitals', text: paste };
  if (kind !== wantedKind)
    return { kind: 'differs', means: `it says k=${kind}, and the key is ${wantedKind}`, text: paste };
  return undefined;
}

function present(facts: Facts): Finding {
  const known = keysOf(facts);
  if (!Array.isArray(known)) return known;
  if (known.length === 0)
    return fix(
      'The domain has no DKIM keys: its mail is not signed.',
      `Make them: waybill domain rotate-dkim ${facts.site.domain}`,
    );
  const seen = known.flatMap(({ selector }) => facts.dkim.get(selector)?.texts ?? []);
  const missing = known.filter((key) => textsOf(facts, key).length === 0);
  const trouble = missing.flatMap(({ selector }) => {
    const texts = facts.dkim.get(selector)?.texts;
    return texts === undefined ? [] : (failure(texts) ?? []);
  });
  if (trouble[0] !== undefined) return cannotTell(`Nobody could say: ${trouble[0]}.`, { seen });
  if (missing.length === 0)
    return ok(
      known
        .map(({ selector, algorithm }) => `\`${selector}\` (${algorithm})`)
        .join(', ')
        .concat(' stand in the DNS.'),
      { seen },
    );
  const doubled = missing.flatMap(({ selector }) => {
    const at = facts.dkim.get(selector)?.doubled;
    return at === undefined ? [] : values(at).map((strings) => ({ name: at.name, text: strings.join('') }));
  });
  return fix(
    doubled[0] === undefined
      ? `${missing.map(({ selector }) => `\`${dkimName(facts.site.domain, selector)}\``).join(' and ')} ${missing.length === 1 ? 'has' : 'have'} no record: signatures cannot be verified.`
      : `The key stands at \`${doubled[0].name}\`: the zone added its own suffix.`,
    `Add: ${missing.map(({ selector }) => `Name ${selector}._domainkey, Type TXT`).join(', and ')}, with the value below.`,
    {
      seen,
      publish: missing.map((key) => dkimRecord(facts.site.domain, key)),
      remove: doubled.map(({ name, text }): DnsRecord => ({ name, type: 'TXT', value: text })),
    },
  );
}

function compared(facts: Facts, kind: Fault['kind']): Finding {
  const known = keysOf(facts);
  if (!Array.isArray(known)) return known;
  const there = known.filter((key) => textsOf(facts, key).length > 0);
  const seen = there.flatMap(({ selector }) => facts.dkim.get(selector)?.texts ?? []);
  if (there.length === 0) return cannotTell('No key is published that could be looked at.', { seen });
  const faulty = there.flatMap((key) => {
    const fault = keyFault(key, textsOf(facts, key));
    return fault?.kind === kind ? [{ key, fault }] : [];
  });
  const [first] = faulty;
  if (first === undefined) return ok(GOOD[kind], { seen });
  return fix(
    faulty
      .map(({ key, fault }) => `\`${dkimName(facts.site.domain, key.selector)}\`: ${fault.means}.`)
      .join(' '),
    first.fault.text,
    {
      seen,
      evidence: faulty.flatMap(({ key }) =>
        textsOf(facts, key).map((text) => `${key.selector}: "${shortened(text)}"`),
      ),
      publish: faulty.map(({ key }) => dkimRecord(facts.site.domain, key)),
      remove: faulty.flatMap(({ key }) =>
        textsOf(facts, key).map((value): DnsRecord => ({
          name: dkimName(facts.site.domain, key.selector),
          type: 'TXT',
          value,
        })),
      ),
    },
  );
}

const GOOD: Readonly<Record<Fault['kind'], string>> = {
  differs: 'Each published key is the one that signs.',
  cut: 'None is cut off.',
  unclean: 'No doubles, no stray quotes or backslashes.',
};

function keysOf({ keys }: Facts): DkimKey[] | Finding {
  if (keys.kind === 'unknown') return cannotTell(`The keys are not known here: ${keys.cause}`);
  if (keys.kind === 'not-ours') return cannotTell('The domain is not ours yet, so it has no keys.');
  return [...keys.keys];
}

function textsOf(facts: Facts, key: DkimKey): string[] {
  const texts = facts.dkim.get(key.selector)?.texts;
  return texts === undefined ? [] : values(texts).map((strings) => strings.join(''));
}

function shortened(text: string): string {
  return text.length <= 72 ? text : `${text.slice(0, 48)}…${text.slice(-20)} (${text.length} characters)`;
}
