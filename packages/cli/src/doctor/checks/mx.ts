import net from 'node:net';
import type { Mx } from '@waybill/dns';
import { addressRecord, mxRecord } from '../../records/publish-list.ts';
import type { DnsRecord } from '../../records/record.ts';
import { addressesOf, type Facts, failure, type NameFacts, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok, warn } from '../finding.ts';
import { sameAddress } from './host.ts';

/** Which hosts take mail for the domain. */
export const MX_CHECKS: readonly Check[] = [
  { id: 'MX-1', title: 'The domain has an MX', level: 'required', look: present },
  { id: 'MX-2', title: 'No MX target is an alias', level: 'required', look: noAlias },
  { id: 'MX-3', title: 'MX targets are names', level: 'required', look: isName },
  { id: 'MX-4', title: 'MX targets lead here', level: 'required', look: leadsHere },
  { id: 'MX-5', title: 'The domain itself is no alias', level: 'required', look: apex },
];

function present({ site, mx }: Facts): Finding {
  const seen = [mx];
  const trouble = failure(mx);
  if (trouble !== undefined) return cannotTell(`Nobody could say: ${trouble}.`, { seen });
  const publish = [mxRecord(site.domain, site.host)];
  const text = `Add: Name @, Type MX, Priority 10, Value ${site.host}.`;
  const all = values(mx);
  if (all.length === 0)
    return fix(
      `\`${site.domain}\` has no MX: senders try its own address instead, where hardly anybody runs a mail server (RFC 5321 §5.1).`,
      text,
      { seen, publish },
    );
  const refusing = all.filter(({ exchange }) => exchange === '');
  if (refusing.length > 0)
    return fix(
      `\`${site.domain}\` has the null MX \`.\`: it says that it takes no mail (RFC 7505).`,
      all.length > 1 ? 'Take away the MX with the value `.`.' : `Take it away. ${text}`,
      {
        seen,
        publish: all.length > 1 ? [] : publish,
        remove: refusing.map((one) => asRecord(site.domain, one)),
      },
    );
  return ok(`${all.map(({ exchange }) => `\`${exchange}\``).join(', ')}.`, { seen, evidence: list(all) });
}

function noAlias(facts: Facts): Finding {
  const seen = [facts.mx, ...[...facts.targets.values()].map(({ alias }) => alias)];
  const aliased = [...facts.targets.values()].flatMap((target) => {
    const to = target.a.answer.kind === 'failed' ? undefined : target.a.answer.end;
    const next = values(target.alias)[0];
    return next === undefined
      ? []
      : [{ name: target.name, next, end: to === target.name ? next : (to ?? next) }];
  });
  const [first] = aliased;
  if (first === undefined)
    return facts.targets.size === 0
      ? cannotTell('There is no MX target to look at.', { seen })
      : ok('Every target has its name for itself.', { seen });
  const { name, next, end } = first;
  // Our own host is better mended than left: EHLO says its name.
  const itself = name === facts.site.host;
  const records = values(facts.mx).filter(({ exchange }) => aliased.some((one) => one.name === exchange));
  return fix(
    aliased
      .map((one) => `\`${one.name}\` is a CNAME to \`${one.next}\`.`)
      .join(' ')
      .concat(' RFC 2181 10.3 forbids this and some senders refuse.'),
    `Point MX at \`${end}\` or give \`${name}\` its own A record.`,
    {
      seen,
      evidence: [
        ...list(records),
        ...aliased.map((one) => `${one.name} CNAME ${one.next}`),
        ...(end === next ? [] : [`at its end stands ${end}`]),
      ],
      publish: itself
        ? facts.site.addresses.map((address) => addressRecord(name, address))
        : records.map(({ exchange, preference }) => ({
            ...mxRecord(facts.site.domain, aliased.find((one) => one.name === exchange)?.end ?? end),
            priority: preference,
          })),
      remove: itself
        ? [{ name, type: 'CNAME', value: next }]
        : records.map((one) => asRecord(facts.site.domain, one)),
    },
  );
}

function isName(facts: Facts): Finding {
  const { site, mx } = facts;
  const seen = [mx];
  const bad = values(mx)
    .filter(({ exchange }) => exchange !== '')
    .flatMap((one) => {
      const fault = targetFault(one.exchange, site.domain);
      return fault === undefined ? [] : [{ one, fault }];
    });
  const [first] = bad;
  if (first === undefined)
    return values(mx).length === 0
      ? cannotTell('There is no MX target to look at.', { seen })
      : ok('Every target is a host name.', { seen });
  return fix(bad.map(({ fault }) => fault.means).join(' '), first.fault.text(site.host), {
    seen,
    evidence: list(bad.map(({ one }) => one)),
    publish: [{ ...mxRecord(site.domain, site.host), priority: first.one.preference }],
    remove: bad.map(({ one }) => asRecord(site.domain, one)),
  });
}

interface TargetFault {
  readonly means: string;
  readonly text: (host: string) => string;
}

/** Why a target cannot be a mail host's name; undefined where it can. */
export function targetFault(target: string, domain: string): TargetFault | undefined {
  const needsName = (value: string, what: string): TargetFault => ({
    means: `The MX value \`${value}\` is ${what}; MX needs a name (RFC 1035 §3.3.9).`,
    text: (host) => `MX needs a name, not \`${value}\`: enter \`${host}\`.`,
  });
  const suffix = `.${domain}`;
  const inside = target.endsWith(suffix) ? target.slice(0, -suffix.length) : undefined;
  for (const part of [target, inside])
    if (part !== undefined && net.isIP(part.replaceAll('[', '').replaceAll(']', '')) !== 0)
      return needsName(part, 'an address');
  if (target.includes('/')) return needsName(target, 'a URL');
  if (target.includes(':')) return needsName(target, 'a name with a port, which mail never has');
  if (target.includes('@')) return needsName(target, 'a mail address');
  if (/^\d{1,5} /.test(target) || target.includes(' '))
    return needsName(target, 'more than a name: the priority has a field of its own');
  if (inside !== undefined && (inside === domain || inside.endsWith(suffix)))
    return {
      means: `The MX leads to \`${target}\`: the zone added its own suffix.`,
      text: (host) =>
        `The zone added its own suffix: end the value with a dot (\`${host}.\`), or enter only \`${host.endsWith(suffix) ? host.slice(0, -suffix.length) : host}\`.`,
    };
  if (target === 'localhost' || !target.includes('.')) return needsName(target, 'no full name');
  if (!target.split('.').every((label) => /^[a-z0-9-]{1,63}$/.test(label)))
    return needsName(target, 'no host name (letters, digits and hyphens, RFC 1123 §2.1)');
  return undefined;
}

/** Whether a target is this site's: by its name, or by an address of ours. */
export function isOurs(target: NameFacts, { site }: Pick<Facts, 'site'>): boolean {
  return (
    target.name === site.host ||
    addressesOf(target).some((address) => site.addresses.some((own) => sameAddress(own, address)))
  );
}

function leadsHere(facts: Facts): Finding {
  const { site } = facts;
  const targets = [...facts.targets.values()];
  const seen = targets.flatMap(({ a, aaaa }) => [a, aaaa]);
  if (targets.length === 0) return cannotTell('There is no MX target to look at.', { seen });
  const empty = targets.filter((target) => addressesOf(target).length === 0);
  const trouble = empty.map(({ a }) => failure(a)).find((one) => one !== undefined);
  if (trouble !== undefined) return cannotTell(`Nobody could say: ${trouble}.`, { seen });
  const [first] = empty;
  if (first !== undefined)
    return fix(
      `${empty.map(({ name }) => `\`${name}\``).join(', ')} has no address: mail for the domain waits at its senders.`,
      first.name === site.host && site.addresses.length > 0
        ? `Add ${site.addresses.map((one) => `\`${net.isIPv6(one) ? 'AAAA' : 'A'} ${one}\``).join(' and ')} for ${first.name}.`
        : `Point MX at \`${site.host}\`, or give \`${first.name}\` its A record.`,
      {
        seen,
        publish:
          first.name === site.host
            ? site.addresses.map((address) => addressRecord(first.name, address))
            : [mxRecord(site.domain, site.host)],
      },
    );
  const evidence = targets.map((target) => `${target.name} has ${addressesOf(target).join(', ')}`);
  const strange = targets.filter(
    (target) =>
      !isOurs(target, facts) ||
      (facts.addressesGiven &&
        !addressesOf(target).some((address) => site.addresses.some((own) => sameAddress(own, address)))),
  );
  const proxied = facts.network.doors.filter(({ outcome, web }) => outcome !== 'open' && web);
  const [proxy] = proxied.filter(({ host, address }) =>
    strange.some((target) => target.name === host && addressesOf(target).includes(address)),
  );
  if (proxy !== undefined)
    return fix(
      `\`${proxy.host}\` leads to ${proxy.address}, where web pages are served and port 25 is closed: an HTTP proxy.`,
      `Turn proxying off for ${proxy.host}; mail cannot pass an HTTP proxy.`,
      {
        seen,
        evidence: [...evidence, ...proxy.transcript],
        publish: site.addresses.map((address) => addressRecord(proxy.host, address)),
        remove: [addressRecord(proxy.host, proxy.address)],
      },
    );
  if (strange.length === targets.length)
    return fix(
      `No MX of \`${site.domain}\` leads to this host (\`${site.host}\`${site.addresses.length === 0 ? '' : `, ${site.addresses.join(', ')}`}): its mail goes elsewhere.`,
      strange.some(({ name }) => name === site.host)
        ? `Give \`${site.host}\` the address of this host.`
        : `Point MX at \`${site.host}\`.`,
      {
        seen,
        evidence,
        publish: strange.some(({ name }) => name === site.host)
          ? site.addresses.map((address) => addressRecord(site.host, address))
          : [mxRecord(site.domain, site.host)],
      },
    );
  if (strange.length > 0)
    return warn(
      `${strange.map(({ name }) => `\`${name}\``).join(', ')} is not this host: some of the mail goes there.`,
      'Take it away, unless it is a second mail host that hands on to this one.',
      {
        seen,
        evidence,
        remove: values(facts.mx)
          .filter(({ exchange }) => strange.some(({ name }) => name === exchange))
          .map((one) => asRecord(site.domain, one)),
      },
    );
  return ok('Every target leads to this host.', { seen, evidence });
}

function apex({ site, apexAlias }: Facts): Finding {
  const seen = [apexAlias];
  const [target] = values(apexAlias);
  if (target !== undefined)
    return fix(
      `\`${site.domain}\` is a CNAME to \`${target}\`. A CNAME hides the MX and every other record of the name (RFC 1034 §3.6.2).`,
      'Use A/ALIAS at the apex: replace the CNAME by an A record, or by what your provider calls ALIAS, ANAME or flattening.',
      {
        seen,
        evidence: [`${site.domain} CNAME ${target}`],
        remove: [{ name: site.domain, type: 'CNAME', value: target }],
      },
    );
  const trouble = failure(apexAlias);
  if (trouble !== undefined) return cannotTell(`Nobody could say: ${trouble}.`, { seen });
  return ok('It has records of its own.', { seen });
}

function asRecord(domain: string, { preference, exchange }: Mx): DnsRecord {
  return { name: domain, type: 'MX', priority: preference, value: exchange };
}

function list(all: readonly Mx[]): string[] {
  return all.map(({ preference, exchange }) => `MX ${preference} ${exchange === '' ? '.' : exchange}`);
}
