import { serviceRecord } from '../../records/publish-list.ts';
import type { DnsRecord } from '../../records/record.ts';
import { type Facts, failure, values } from '../facts.ts';
import { cannotTell, type Check, type Finding, ok, warn } from '../finding.ts';

/** What mail programs look for, RFC 6186 and RFC 8314 §5.1. */
export const CLIENT_CHECKS: readonly Check[] = [
  { id: 'SRV-1', title: 'Mail programs find the services', level: 'advised', look: services },
  { id: 'SRV-2', title: 'No service leads to an alias', level: 'advised', look: noAlias },
];

function services(facts: Facts): Finding {
  const { site } = facts;
  const seen = [...facts.services.values()].map(({ records }) => records);
  const publish: DnsRecord[] = [];
  const remove: DnsRecord[] = [];
  const faults: string[] = [];
  for (const service of site.services) {
    const records = facts.services.get(service.label)?.records;
    if (records === undefined) continue;
    const trouble = failure(records);
    if (trouble !== undefined) return cannotTell(`Nobody could say: ${trouble}.`, { seen });
    const wanted = serviceRecord(site.domain, site.host, service);
    const found = values(records);
    const good =
      found.length > 0 &&
      found.every(({ target, port }) => target === wanted.value && (target === '' || port === wanted.port));
    // Nothing said of what is not offered is well enough.
    if (good || (found.length === 0 && service.port === undefined)) continue;
    faults.push(
      found.length === 0
        ? `\`${wanted.name}\` has no record`
        : `\`${wanted.name}\` leads to ${found.map(({ target, port }) => (target === '' ? '`.` (not offered)' : `\`${target}\` port ${port}`)).join(', ')}`,
    );
    publish.push(wanted);
    for (const one of found)
      remove.push({
        name: wanted.name,
        type: 'SRV',
        value: one.target,
        priority: one.priority,
        weight: one.weight,
        port: one.port,
      });
  }
  if (faults.length === 0) return ok('All that is offered is published.', { seen });
  return warn(
    `${faults.join('; ')}. Mail programs then guess, or ask the user.`,
    'Publish the SRV records below.',
    { seen, publish, remove },
  );
}

function noAlias(facts: Facts): Finding {
  const all = [...facts.services.values()].flatMap(({ records, aliases }) =>
    [...aliases].flatMap(([target, alias]) =>
      values(alias).map((to) => ({ name: records.name, target, to, alias })),
    ),
  );
  const seen = [...facts.services.values()].flatMap(({ aliases }) => [...aliases.values()]);
  const [first] = all;
  if (first === undefined) return ok('Every target has its name for itself.', { seen });
  return warn(
    `${all.map(({ name, target, to }) => `\`${name}\` leads to \`${target}\`, a CNAME to \`${to}\``).join('; ')}. RFC 2782 forbids this.`,
    `Point it at \`${first.to}\`.`,
    { seen },
  );
}
