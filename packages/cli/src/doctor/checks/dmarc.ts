import { DMARC_NEXT, dmarcRecord } from '../../records/publish-list.ts';
import type { DnsRecord } from '../../records/record.ts';
import { consentName, isDmarc, readDmarc } from '../dmarc-text.ts';
import { type Facts, failure, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok, warn } from '../finding.ts';

/** What receivers do with forgeries of the domain, and who hears of them (RFC 9989, RFC 9990). */
export const DMARC_CHECKS: readonly Check[] = [
  { id: 'DMARC-1', title: 'DMARC is published', level: 'required', look: present },
  { id: 'DMARC-2', title: 'DMARC can be read', level: 'required', look: readable },
  { id: 'DMARC-3', title: 'Whoever gets reports agreed', level: 'required', look: consent },
  { id: 'DMARC-4', title: 'DMARC policy', level: 'advised', look: policy },
];

function textsOf(facts: Facts): string[] {
  return values(facts.dmarc.texts).map((strings) => strings.join(''));
}

/** The one that receivers take; else the one that was meant. */
function chosen(facts: Facts): string | undefined {
  const texts = textsOf(facts);
  return texts.find(isDmarc) ?? texts.find(looksLikeDmarc);
}

function looksLikeDmarc(text: string): boolean {
  return text.slice(0, 60).toLowerCase().includes('dmarc') || /(^|[\s;"])p=/i.test(text.slice(0, 60));
}

function present(facts: Facts): Finding {
  const { site, dmarc } = facts;
  const seen = [dmarc.texts];
  const trouble = failure(dmarc.texts);
  if (trouble !== undefined) return cannotTell(`Nobody could say: ${trouble}.`, { seen });
  const name = `_dmarc.${site.domain}`;
  const publish = [dmarcRecord(site.domain, site.reportsTo)];
  const texts = textsOf(facts);
  const good = texts.filter(isDmarc);
  if (good.length > 1)
    return fix(
      `\`${name}\` has ${good.length} DMARC records: receivers take none of them (RFC 9989 §4.10).`,
      'Keep one, and take the others away.',
      {
        seen,
        evidence: good.map((text) => `${name} "${text}"`),
        publish: [asText(name, good[0] ?? '')],
        remove: good.slice(1).map((text) => asText(name, text)),
      },
    );
  if (good.length === 1 || texts.some(looksLikeDmarc)) return ok(`\`${name}\` has one.`, { seen });
  const add = `Add: Name _dmarc, Type TXT, Value ${publish[0]?.value}.`;
  const atApex = values(facts.domainTexts)
    .map((strings) => strings.join(''))
    .filter(isDmarc);
  const doubled =
    dmarc.doubled === undefined
      ? []
      : values(dmarc.doubled)
          .map((strings) => strings.join(''))
          .filter(looksLikeDmarc);
  const misplaced = [
    ...atApex.map((text) => asText(site.domain, text)),
    ...doubled.map((text) => asText(dmarc.doubled?.name ?? '', text)),
  ];
  const [wrong] = misplaced;
  if (wrong !== undefined)
    return fix(
      atApex.length > 0
        ? `The DMARC record stands at \`${site.domain}\`, where nobody looks for it.`
        : `The DMARC record stands at \`${wrong.name}\`: the zone added its own suffix.`,
      'Move it: Name _dmarc.',
      { seen: [...seen, facts.domainTexts], publish: [asText(name, wrong.value)], remove: misplaced },
    );
  const above = facts.dmarcAbove;
  if (above !== undefined)
    return ok(`That of \`${above.domain}\` counts for it.`, {
      seen,
      evidence: [`_dmarc.${above.domain} "${above.text}"`],
    });
  return fix(
    `\`${name}\` has no record: forgeries of the domain are taken, and you never hear of them.`,
    add,
    { seen, publish },
  );
}

function readable(facts: Facts): Finding {
  const seen = [facts.dmarc.texts];
  const text = chosen(facts);
  if (text === undefined) return noRecord(facts);
  const { faults } = readDmarc(text);
  const name = `_dmarc.${facts.site.domain}`;
  if (faults.length === 0) return ok('Receivers understand it.', { seen, evidence: [`"${text}"`] });
  const record = dmarcRecord(facts.site.domain, facts.site.reportsTo);
  return fix(
    `Receivers pass over what stands at \`${name}\`: ${faults.join('; ')}.`,
    `Correct it, or begin anew: \`${record.value}\``,
    { seen, evidence: [`"${text}"`], publish: [record], remove: [asText(name, text)] },
  );
}

function consent(facts: Facts): Finding {
  const { site, authorisations } = facts;
  const text = chosen(facts);
  const seen = [facts.dmarc.texts, ...authorisations.values()];
  if (text === undefined) return noRecord(facts);
  const elsewhere = readDmarc(text).reportDomains.filter((one) => authorisations.has(one));
  if (elsewhere.length === 0) return ok('Reports stay with the domain.', { seen });
  const refused = elsewhere.filter((one) => {
    const asked = authorisations.get(one);
    return (
      asked !== undefined &&
      asked.answer.kind !== 'failed' &&
      !values(asked).some((strings) => isDmarc(strings.join('')))
    );
  });
  if (refused.length > 0)
    return fix(
      `Reports are to go to ${refused.map((one) => `\`${one}\``).join(', ')}, which has not agreed: nobody sends them (RFC 9990 §4).`,
      `Let ${refused.join(', ')} publish the record below, or have the reports sent to an address in ${site.domain}.`,
      {
        seen,
        evidence: [`"${text}"`],
        publish: refused.map((one) => asText(consentName(site.domain, one), 'v=DMARC1')),
      },
    );
  const unknown = elsewhere.filter((one) => authorisations.get(one)?.answer.kind === 'failed');
  if (unknown.length > 0) return cannotTell(`${unknown.join(', ')} could not be asked.`, { seen });
  return ok(`${elsewhere.join(', ')} agreed.`, { seen });
}

function policy(facts: Facts): Finding {
  const seen = [facts.dmarc.texts];
  const text = chosen(facts);
  if (text === undefined) return noRecord(facts);
  const read = readDmarc(text);
  if (read.faults.length > 0) return cannotTell('The DMARC record cannot be read.', { seen });
  const evidence = [`"${text}"`];
  if (read.policy === 'none' && !read.hasReports)
    return warn(
      'p=none without rua= does nothing at all: nothing is refused and nobody is told.',
      `Say where reports go: \`${dmarcRecord(facts.site.domain, facts.site.reportsTo).value}\``,
      {
        seen,
        evidence,
        publish: [dmarcRecord(facts.site.domain, facts.site.reportsTo)],
        remove: [asText(`_dmarc.${facts.site.domain}`, text)],
      },
    );
  if (read.policy === 'none')
    return ok('p=none: forgeries are reported and not yet refused.', { seen, evidence, next: DMARC_NEXT });
  return ok(`p=${read.policy}.`, { seen, evidence });
}

function noRecord({ dmarc, dmarcAbove }: Facts): Finding {
  return cannotTell(
    dmarcAbove === undefined
      ? 'There is no DMARC record to read.'
      : `It has no record of its own: ask for ${dmarcAbove.domain}.`,
    { seen: [dmarc.texts] },
  );
}

function asText(name: string, value: string): DnsRecord {
  return { name, type: 'TXT', value };
}
