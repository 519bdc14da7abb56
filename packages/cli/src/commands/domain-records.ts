import { Inquiry } from '@waybill/dns/inspect';
import { parse } from '../options.ts';
import { readKeys } from '../records/read-keys.ts';
import { publishList } from '../records/publish-list.ts';
import { recordsJson, recordsTable, recordsZone } from '../records/render.ts';
import { readDomain, readSiteOptions, SITE_OPTIONS, SITE_USAGE } from '../records/site-options.ts';
import { EXIT, UsageError } from '../usage.ts';

/** `waybill domain records`: all that must be published for a domain, to paste. */
export const RECORDS_USAGE = `waybill domain records NAME  all that must stand in the DNS for it, to paste; \`waybill doctor NAME\` compares
  --format table        for panels: names relative and absolute (the default)
  --format zone         lines for a zone file
  --format json         for programs, the same as --json
${SITE_USAGE}`;

export async function domainRecords(args: readonly string[]): Promise<number> {
  const parsed = parse(args, { ...SITE_OPTIONS, format: true, json: false });
  const [name, ...more] = parsed.words;
  if (name === undefined) throw new UsageError('domain records needs NAME');
  if (more.length > 0) throw new UsageError(`domain records does not take "${more[0]}"`);
  const format = parsed.value('format') ?? (parsed.flag('json') ? 'json' : 'table');
  if (format !== 'table' && format !== 'zone' && format !== 'json')
    throw new UsageError(`--format takes table, zone or json, not "${format}"`);
  const domain = readDomain(name);
  const options = await readSiteOptions(parsed);
  const notes: string[] = [];
  let site = options.of(domain);
  if (options.configuredHost !== site.host && parsed.value('data') === undefined)
    notes.push(
      options.configuredHost === undefined
        ? `The mail host's name is not known here: ${site.host} was taken. Say --host, or set WAYBILL_HOSTNAME.`
        : `"${options.configuredHost}" cannot be a mail host's name: ${site.host} was taken. Set WAYBILL_HOSTNAME.`,
    );
  if (site.addresses.length === 0) {
    const inquiry = new Inquiry({
      place: options.place,
      ...(options.resolvers === undefined ? {} : { resolvers: options.resolvers }),
    });
    const seen = await Promise.all([inquiry.see(site.host, 'A'), inquiry.see(site.host, 'AAAA')]);
    const found = seen.flatMap(({ answer }) =>
      answer.kind === 'found' ? answer.records.map(({ value }) => value) : [],
    );
    site = { ...site, addresses: found };
    notes.push(
      found.length === 0
        ? `The addresses of ${site.host} are not known: its A, AAAA and PTR are left out. Say --address.`
        : `The addresses are those that the DNS has for ${site.host} now.`,
    );
  }
  const keys = await readKeys(domain, parsed.value('data'));
  if (keys.kind !== 'known')
    notes.push(
      keys.kind === 'not-ours'
        ? `${domain} is not ours yet, so there is no DKIM key: waybill domain add ${domain}`
        : `The DKIM keys are left out: ${keys.cause}`,
    );
  else if (keys.keys.length === 0)
    notes.push(`${domain} has no DKIM key: waybill domain rotate-dkim ${domain}`);
  const list = publishList(site, keys.kind === 'known' ? keys.keys : []);
  for (const note of notes) process.stderr.write(`${note}\n`);
  process.stdout.write(
    format === 'json'
      ? recordsJson(list, site, notes)
      : format === 'zone'
        ? recordsZone(list, site)
        : recordsTable(list, site),
  );
  return EXIT.done;
}
