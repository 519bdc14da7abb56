import { fingerprint, said } from '@waybill/dns/inspect';
import { type Facts, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok, warn } from '../finding.ts';

/** The domain itself: does it exist, is it ours, and do its servers agree? */
export const ZONE_CHECKS: readonly Check[] = [
  { id: 'ZONE-1', title: 'The domain’s servers answer', level: 'required', look: answers },
  { id: 'ZONE-2', title: 'The domain’s servers agree', level: 'required', look: agree },
  { id: 'DOMAIN-1', title: 'The domain is ours', level: 'required', look: isOurs },
];

function answers({ zone, mx, site }: Facts): Finding {
  const evidence = [...mx.authorities, ...mx.resolvers].map(
    ({ server, detail }) => `${server}: ${said(detail)}`,
  );
  if (mx.answer.kind === 'failed')
    return fix(
      `No server answers for \`${site.domain}\`: ${mx.answer.cause}. Nobody can look up anything of it.`,
      'Look at the domain’s delegation (NS) and DNSSEC at its registrar, and at the name servers themselves.',
      { evidence },
    );
  const silent = mx.authorities.filter(({ detail }) => detail.kind === 'failed');
  const [first] = silent;
  // The resolver got its answer from them: it is from here that they are out of reach.
  if (first?.detail.kind === 'failed' && silent.length === mx.authorities.length)
    return cannotTell(
      `None of the zone’s own servers can be asked from here (${first.server}: ${first.detail.cause}): only the resolver was asked, and it may remember old values.`,
      { evidence },
    );
  if (first?.detail.kind === 'failed')
    return warn(
      `${silent.map(({ server }) => server).join(', ')} does not answer for the zone: ${first.detail.cause}.`,
      'Take it out of the NS records, or let it serve the zone.',
      { evidence },
    );
  if (mx.resolvers.length > 0 && mx.resolvers.every(({ detail }) => detail.kind === 'failed'))
    return warn(
      `The zone’s own servers answer, and the resolvers ${mx.resolvers.map(({ server }) => server).join(', ')} do not.`,
      'Where it is not the resolver itself, DNSSEC is: compare the DS records at the registrar with the zone’s keys.',
      { evidence },
    );
  if (zone === undefined || mx.authorities.length === 0)
    return cannotTell(
      'None of the zone’s own servers is known: only the resolver was asked, and it may remember old values.',
      { evidence },
    );
  return ok(`${zone.origin}: ${zone.servers.map(({ name }) => name).join(', ')}.`, { evidence });
}

function agree(facts: Facts): Finding {
  const all = [
    facts.mx,
    facts.host.a,
    facts.host.aaaa,
    facts.dmarc.texts,
    facts.domainTexts,
    ...[...facts.dkim.values()].map(({ texts }) => texts),
  ];
  const split = all.filter(({ authorities }) => {
    const answering = authorities.filter(({ detail }) => detail.kind !== 'failed');
    return new Set(answering.map(({ detail }) => fingerprint(detail))).size > 1;
  });
  const [first] = split;
  if (first === undefined)
    return facts.mx.authorities.length < 2
      ? ok('There are no two that could differ.')
      : ok('They say the same.');
  return warn(
    `The zone’s own servers differ on ${split.map(({ type, name }) => `${type} of ${name}`).join(', ')}: who asks gets one or the other.`,
    'Wait for the zone to be transferred; if it stays so, look at the serial and at the transfer between the servers.',
    { evidence: first.authorities.map(({ server, detail }) => `${server}: ${said(detail)}`) },
  );
}

function isOurs({ keys, site }: Facts): Finding {
  if (keys.kind === 'known') return ok('It is in the directory.');
  if (keys.kind === 'unknown') return cannotTell(`The directory was not asked: ${keys.cause}`);
  return fix(
    `\`${site.domain}\` is not in the directory: mail for it is refused.`,
    `waybill domain add ${site.domain}`,
  );
}

/** Whether the domain is there at all, as far as anybody can say. */
export function exists({ mx, domainTexts }: Pick<Facts, 'mx' | 'domainTexts'>): boolean {
  return !(
    mx.answer.kind === 'nxdomain' &&
    domainTexts.answer.kind === 'nxdomain' &&
    values(mx).length === 0
  );
}
