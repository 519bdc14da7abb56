import { absoluteName, panelForm, quotedChunks, TTL, zoneData, zoneLine, relativeName } from './record.ts';
import { DMARC_NEXT, type Publication, type Site } from './publish-list.ts';

/** The list of what is to be published, in three shapes. What is no record stands in notes. */

const HEADINGS: Readonly<Record<Publication['where'], (site: Site) => string>> = {
  domain: ({ domain }) => `In the zone of ${domain}`,
  host: ({ host }) => `In the zone that holds ${host}, which is not this domain's`,
  address: () => 'At the owner of each address (the provider of the server): reverse DNS',
};

/** For panels: relative names, values in one piece; long texts also in quoted strings of at most 255. */
export function recordsTable(list: readonly Publication[], site: Site): string {
  const lines: string[] = [];
  for (const where of ['domain', 'host', 'address'] as const) {
    const own = list.filter((one) => one.where === where);
    if (own.length === 0) continue;
    lines.push(`${HEADINGS[where](site)}:`, '');
    const rows = [
      ['Name', 'Type', 'Priority', 'Value', ''],
      ...own.map(({ record, level, why }) => {
        const form = panelForm(record, site.domain);
        const value = record.type === 'SRV' ? `${form.weight} ${form.port} ${form.value}` : form.value;
        const shown = where === 'domain' ? form.name : form.absolute;
        return [
          shown,
          form.type,
          form.priority === undefined ? '' : String(form.priority),
          value,
          `${level}: ${why}`,
        ];
      }),
    ];
    const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
    rows.forEach((row, index) => {
      const head = row.slice(0, 3).map((cell, i) => cell.padEnd(widths[i]!));
      lines.push(`  ${[...head, row[3]].join('  ').trimEnd()}`);
      const one = own[index - 1];
      if (one === undefined) return;
      const indent = ' '.repeat(4);
      if (panelForm(one.record, site.domain).chunks !== undefined)
        lines.push(`${indent}in strings of at most 255: ${quotedChunks(one.record.value)}`);
      const whole = where === 'domain' ? `${absoluteName(one.record.name)}  ` : '';
      lines.push(`${indent}${whole}(${row[4]})`);
    });
    lines.push('');
  }
  lines.push(DMARC_NEXT, `Then: waybill doctor ${site.domain}`);
  return `${lines.join('\n')}\n`;
}

/** For zone files: one line a record. What belongs into other zones is a comment. */
export function recordsZone(list: readonly Publication[], site: Site): string {
  const inside = list.filter(({ where }) => where === 'domain');
  const width = Math.max(...inside.map(({ record }) => relativeName(record.name, site.domain).length));
  const lines = [
    `$ORIGIN ${absoluteName(site.domain)}`,
    `$TTL ${TTL}`,
    ...inside.map(
      ({ record }) =>
        `${relativeName(record.name, site.domain).padEnd(width)} IN ${record.type.padEnd(4)} ${zoneData(record)}`,
    ),
  ];
  for (const where of ['host', 'address'] as const) {
    const own = list.filter((one) => one.where === where);
    if (own.length === 0) continue;
    lines.push(`; ${HEADINGS[where](site)}:`);
    for (const { record } of own) lines.push(`; ${zoneLine(record)}`);
  }
  return `${lines.join('\n')}\n`;
}

export function recordsJson(list: readonly Publication[], site: Site, notes: readonly string[]): string {
  const records = list.map(({ record, level, why, where }) => ({
    ...panelForm(record, site.domain),
    level,
    why,
    where,
    zone: zoneLine(record),
  }));
  const { domain, host, addresses } = site;
  return `${JSON.stringify({ domain, host, addresses, records, next: DMARC_NEXT, notes })}\n`;
}
