import net from 'node:net';

/** One term of an SPF record, RFC 7208 §4.6.1 and §12. */
export type SpfTerm =
  | { readonly kind: 'all'; readonly qualifier: Qualifier }
  | {
      readonly kind: 'network';
      readonly qualifier: Qualifier;
      readonly address: string;
      readonly bits: number;
    }
  | {
      readonly kind: 'a' | 'mx' | 'include' | 'ptr' | 'exists';
      readonly qualifier: Qualifier;
      /** Undefined: the domain itself. May hold macros (`%`). */
      readonly domain: string | undefined;
      readonly bits4: number;
      readonly bits6: number;
    }
  | { readonly kind: 'redirect'; readonly domain: string }
  /** `exp=` and modifiers that nobody knows: passed over. */
  | { readonly kind: 'other' };
export type Qualifier = '+' | '-' | '~' | '?';

/** Reads one term; a sentence's half where no receiver can. */
export function readTerm(term: string): SpfTerm | string {
  const no = (why: string): string => `\`${term.slice(0, 80)}\` ${why}`;
  const equals = term.indexOf('=');
  const modifier = equals < 0 ? undefined : term.slice(0, equals).toLowerCase();
  if (modifier !== undefined && /^[a-z][a-z0-9._-]*$/.test(modifier)) {
    if (modifier !== 'redirect') return { kind: 'other' };
    const domain = term.slice(equals + 1);
    return isDomain(domain) ? { kind: 'redirect', domain } : no('names no domain');
  }
  const first = term[0] ?? '';
  const qualifier = isQualifier(first) ? first : '+';
  const bare = isQualifier(first) ? term.slice(1) : term;
  const end = bare.search(/[:/]/);
  const name = (end < 0 ? bare : bare.slice(0, end)).toLowerCase();
  const rest = end < 0 ? '' : bare.slice(end);
  if (name === 'all') return rest === '' ? { kind: 'all', qualifier } : no('takes nothing behind it');
  if (name === 'ip4' || name === 'ip6')
    return readNetwork(name, qualifier, rest.slice(1)) ?? no('is no network');
  if (name !== 'a' && name !== 'mx' && name !== 'include' && name !== 'ptr' && name !== 'exists')
    return no('is no mechanism');
  const [domain, bits4, bits6] = splitCidr(rest);
  if (bits4 === undefined || bits6 === undefined || (name !== 'a' && name !== 'mx' && rest.includes('/')))
    return no('has no good length of prefix');
  if (domain !== undefined && !isDomain(domain)) return no('names no domain');
  if (domain === undefined && (name === 'include' || name === 'exists')) return no('must name a domain');
  return { kind: name, qualifier, domain, bits4, bits6 };
}

function isQualifier(sign: string): sign is Qualifier {
  return sign === '+' || sign === '-' || sign === '~' || sign === '?';
}

function readNetwork(kind: 'ip4' | 'ip6', qualifier: Qualifier, text: string): SpfTerm | undefined {
  const [address = '', length, ...more] = text.split('/');
  const most = kind === 'ip4' ? 32 : 128;
  const bits = length === undefined ? most : prefix(length, most);
  const good = kind === 'ip4' ? net.isIPv4(address) : net.isIPv6(address);
  return good && bits !== undefined && more.length === 0
    ? { kind: 'network', qualifier, address, bits }
    : undefined;
}

/** `:domain/24//64` in its parts; lengths are undefined where they are none. */
function splitCidr(
  rest: string,
): [domain: string | undefined, bits4: number | undefined, bits6: number | undefined] {
  const double = rest.indexOf('//');
  const six = double < 0 ? undefined : rest.slice(double + 2);
  const head = double < 0 ? rest : rest.slice(0, double);
  // A macro may hold a slash: only digits behind the last one are a length.
  const slash = head.lastIndexOf('/');
  const four = slash >= 0 && !head.slice(slash).includes('}') ? head.slice(slash + 1) : undefined;
  const domain = four === undefined ? head : head.slice(0, slash);
  return [
    domain === '' ? undefined : domain.slice(1),
    four === undefined ? 32 : prefix(four, 32),
    six === undefined ? 128 : prefix(six, 128),
  ];
}

function prefix(text: string, most: number): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

/** RFC 7208 §7.1: it ends with a label that is not all digits, or with a macro. */
function isDomain(text: string): boolean {
  if (text.includes('%')) return /%(\{[a-z]\d*r?[.\-+,/_=]*\}|%|_|-)/i.test(text);
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  return (
    labels.length >= 2 &&
    labels.every((label) => label !== '' && label.length <= 63) &&
    /[a-z]/i.test(labels.at(-1) ?? '')
  );
}
