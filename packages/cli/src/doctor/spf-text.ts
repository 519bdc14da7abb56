/** SPF records as text: which texts are one, how they end, how several become one. RFC 7208 §4.5, §4.6. */

/** A TXT record of this name is SPF when it is `v=spf1`, alone or with a space behind it. */
export function isSpf(text: string): boolean {
  const lower = text.slice(0, 7).toLowerCase();
  return lower === 'v=spf1' || lower === 'v=spf1 ';
}

/** Meant as SPF, but no receiver takes it for one. */
export function almostSpf(text: string): boolean {
  if (isSpf(text)) return false;
  const start = text
    .slice(0, 40)
    .toLowerCase()
    .replaceAll(/[\s"'\\]/g, '');
  return (
    start.startsWith('v=spf') ||
    start.startsWith('spf1') ||
    start.startsWith('v:spf') ||
    start.startsWith('spf2.0/')
  );
}

export function terms(record: string): string[] {
  return record
    .split(' ')
    .filter((term) => term !== '')
    .slice(1);
}

const ALL = /^[+?~-]?all$/i;

/** What a record says of everybody else: the qualifier of its `all`; undefined where it ends without one. */
export function allOf(record: string): string | undefined {
  const all = terms(record).find((term) => ALL.test(term));
  if (all === undefined) return undefined;
  return all.length === 3 ? '+' : all[0];
}

export function redirects(record: string): boolean {
  return terms(record).some((term) => term.toLowerCase().startsWith('redirect='));
}

/** One record that says what all of them say, with `mx` and an end that names nobody else. */
export function merged(records: readonly string[]): string {
  const all = records.flatMap(terms);
  const kept: string[] = [];
  for (const term of all) {
    const plain = term.startsWith('+') ? term.slice(1) : term;
    if (ALL.test(plain) || kept.some((one) => one.toLowerCase() === plain.toLowerCase())) continue;
    if (plain.toLowerCase().startsWith('redirect=')) kept.push(`include:${plain.slice('redirect='.length)}`);
    else kept.push(plain);
  }
  // Whom a record refuses is refused by the one that stays, RFC 7208 §5.1: the strictest end is kept.
  const end = records.some((record) => allOf(record) === '-') ? '-all' : '~all';
  const withMx = kept.includes('mx') ? kept : ['mx', ...kept];
  return ['v=spf1', ...withMx, end].join(' ');
}

/** The record with these addresses in front of its end, by `mx` where that covers them. */
export function covering(record: string, addresses: readonly string[], byMx: boolean): string {
  const own = terms(record).filter((term) => !ALL.test(term) && !term.toLowerCase().startsWith('redirect='));
  const added = byMx ? ['mx'] : addresses.map((one) => (one.includes(':') ? `ip6:${one}` : `ip4:${one}`));
  const tail = terms(record).filter((term) => term.toLowerCase().startsWith('redirect='));
  const end = allOf(record) === '-' ? '-all' : '~all';
  const fresh = added.filter((one) => !own.includes(one));
  return ['v=spf1', ...fresh, ...own, ...(tail.length > 0 ? tail : [end])].join(' ');
}
