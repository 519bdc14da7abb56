import { hostSpfRecord, spfRecord } from '../../records/publish-list.ts';
import type { DnsRecord } from '../../records/record.ts';
import { type Facts, failure, type SpfFacts, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok, warn } from '../finding.ts';
import { allOf, almostSpf, covering, isSpf, merged, redirects } from '../spf-text.ts';

/** Who may send for the domain, and under the host's name (RFC 7208). */
export const SPF_CHECKS: readonly Check[] = [
  { id: 'SPF-1', title: 'SPF is published', level: 'required', look: present },
  { id: 'SPF-2', title: 'One SPF record, not several', level: 'required', look: single },
  { id: 'SPF-3', title: 'SPF can be evaluated', level: 'required', look: evaluates },
  { id: 'SPF-4', title: 'SPF covers this host and nobody else', level: 'required', look: covers },
];

/** RFC 7208 §4.6.4. */
const MOST_LOOKUPS = 10;

function textsOf({ texts }: SpfFacts): string[] {
  return values(texts).map((strings) => strings.join(''));
}

function recordsOf(facts: SpfFacts): string[] {
  return textsOf(facts).filter(isSpf);
}

function asText(name: string, value: string): DnsRecord {
  return { name, type: 'TXT', value };
}

function proposal(facts: Facts, name: string): DnsRecord {
  return name === facts.site.domain ? spfRecord(name) : hostSpfRecord(name);
}

function present(facts: Facts): Finding {
  const seen = facts.spf.map(({ texts }) => texts);
  const missing = facts.spf.filter((one) => recordsOf(one).length === 0);
  const [first] = missing;
  if (first === undefined)
    return ok(facts.spf.map((one) => `\`${one.name}\` has one.`).join(' '), {
      seen,
      evidence: facts.spf.flatMap((one) => recordsOf(one).map((record) => `${one.name} "${record}"`)),
    });
  const trouble = failure(first.texts);
  if (trouble !== undefined) return cannotTell(`Nobody could say: ${trouble}.`, { seen });
  const almost = missing.flatMap((one) =>
    textsOf(one)
      .filter(almostSpf)
      .map((text) => asText(one.name, text)),
  );
  const publish = missing.map(({ name }) => proposal(facts, name));
  const means =
    almost[0] === undefined
      ? `${missing.map(({ name }) => `\`${name}\``).join(' and ')} ${missing.length === 1 ? 'has' : 'have'} no SPF record: anybody may pose as it.`
      : `\`${almost[0].value}\` is not taken for SPF: it must begin with \`v=spf1\` and a space.`;
  const text = publish
    .map((record) => `Add: Name ${record.name}, Type TXT, Value ${record.value}.`)
    .join(' ');
  const more = { seen, publish, remove: almost };
  return missing.some(({ name }) => name === facts.site.domain)
    ? fix(means, text, more)
    : warn(means, text, more);
}

function single(facts: Facts): Finding {
  const seen = facts.spf.map(({ texts }) => texts);
  const several = facts.spf.filter((one) => recordsOf(one).length > 1);
  const [first] = several;
  if (first === undefined) return ok('There are no two.', { seen });
  const records = recordsOf(first);
  const one = first.name === facts.site.domain ? merged(records) : hostSpfRecord(first.name).value;
  return fix(
    `\`${first.name}\` has ${records.length} SPF records: receivers take none of them (permerror, RFC 7208 §4.5).`,
    `Merge into one: \`${one}\``,
    {
      seen,
      evidence: records.map((record) => `${first.name} "${record}"`),
      publish: [asText(first.name, one)],
      remove: records.map((record) => asText(first.name, record)),
    },
  );
}

function evaluates(facts: Facts): Finding {
  const seen = facts.spf.map(({ texts }) => texts);
  const read = facts.spf.filter(({ reading }) => reading !== undefined);
  if (read.length === 0) return cannotTell('There is no single SPF record to read.', { seen });
  for (const { name, reading } of read) {
    const record = facts.spf.filter((one) => one.name === name).flatMap(recordsOf)[0] ?? '';
    const evidence = [`${name} "${record}"`, `${reading?.lookups} of ${MOST_LOOKUPS} look-ups`];
    if (reading === undefined) continue;
    if (reading.lookups > MOST_LOOKUPS)
      return fix(
        `The SPF record of \`${name}\` costs ${reading.lookups} look-ups, and receivers stop after ${MOST_LOOKUPS} (permerror, RFC 7208 §4.6.4).`,
        'Take out what is no longer used, and say ip4: or ip6: instead of include:, a: or mx: where the addresses are yours.',
        { seen, evidence },
      );
    const broken = [...reading.results].find(([, result]) => result === 'permerror')?.[0];
    const fault =
      reading.fault ??
      (broken === undefined ? undefined : `for mail from ${broken} they find it in error (permerror)`);
    if (fault !== undefined)
      return fix(
        `Receivers cannot read the SPF record of \`${name}\`: ${fault}.`,
        name === facts.site.domain
          ? `Correct it, or begin anew with \`${spfRecord(name).value}\`.`
          : `Replace it by \`${hostSpfRecord(name).value}\`.`,
        { seen, evidence, publish: [proposal(facts, name)], remove: [asText(name, record)] },
      );
    if (reading.trouble !== undefined)
      return cannotTell(`The SPF record of \`${name}\` could not be read to its end: ${reading.trouble}.`, {
        seen,
        evidence,
      });
  }
  return ok(`${Math.max(...read.map(({ reading }) => reading?.lookups ?? 0))} of ${MOST_LOOKUPS} look-ups.`, {
    seen,
  });
}

function covers(facts: Facts): Finding {
  const seen = facts.spf.map(({ texts }) => texts);
  const evidence: string[] = [];
  for (const one of facts.spf) {
    const records = recordsOf(one);
    const [record] = records;
    if (record === undefined || records.length > 1) continue;
    evidence.push(`${one.name} "${record}"`);
    const isDomain = one.name === facts.site.domain;
    const end = allOf(record);
    const better = isDomain ? merged([record]) : hostSpfRecord(one.name).value;
    const remove = [asText(one.name, record)];
    if (end === '+' || end === '?' || (end === undefined && !redirects(record)))
      return fix(
        end === '+'
          ? `\`+all\` lets the whole world send for \`${one.name}\`.`
          : `${end === '?' ? '`?all`' : 'A record without `all`'} says nothing of all others: forgers of \`${one.name}\` are not told apart.`,
        `End it with ~all (or -all): \`${better}\``,
        { seen, evidence, publish: [asText(one.name, better)], remove },
      );
    const uncovered = [...(one.reading?.results ?? [])].filter(([, result]) =>
      ['fail', 'softfail', 'neutral', 'none'].includes(result),
    );
    if (uncovered.length > 0) {
      const addresses = uncovered.map(([address]) => address);
      const mxIsOurs = isDomain && values(facts.mx).some(({ exchange }) => exchange === facts.site.host);
      const byMx = mxIsOurs && !/(^| )\+?mx( |$)/i.test(record);
      const value = isDomain ? covering(record, addresses, byMx) : better;
      return fix(
        `The SPF record of \`${one.name}\` does not cover ${uncovered.map(([address, result]) => `${address} (${result})`).join(', ')}: our own mail looks forged.`,
        `Let it say: \`${value}\``,
        { seen, evidence, publish: [asText(one.name, value)], remove },
      );
    }
  }
  if (evidence.length === 0) return cannotTell('There is no single SPF record to look at.', { seen });
  if (facts.site.addresses.length === 0)
    return cannotTell('The addresses of this host are not known: say --address.', { seen, evidence });
  const known = facts.spf.flatMap(({ reading }) => [...(reading?.results ?? [])]);
  const unsure = known.filter(([, result]) => result !== 'pass');
  if (known.length === 0 || unsure.length > 0)
    return cannotTell(`Whether it covers ${facts.site.addresses.join(', ')} could not be found out.`, {
      seen,
      evidence,
    });
  return ok(`${facts.site.addresses.join(', ')} may send, others may not.`, { seen, evidence });
}
