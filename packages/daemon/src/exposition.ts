/**
 * Reads what /metrics says: Prometheus' text format, version 0.0.4, as far as our own agents write it.
 */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** With `_bucket`, `_sum` or `_count` in histograms and summaries. */
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** Families by name, those without samples included. Lines that are not understood are passed over. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family & { readonly samples: Sample[] }>();
  let current: (Family & { readonly samples: Sample[] }) | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) {
      const [name = '', type = ''] = line.slice(7).split(' ');
      current = { name, type, samples: [] };
      families.set(name, current);
    } else if (!line.startsWith('#') && current !== undefined) {
      const sample = parseSample(line);
      if (sample !== undefined) current.samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): Sample | undefined {
  const brace = line.indexOf('{');
  const end = brace < 0 ? line.indexOf(' ') : line.lastIndexOf('}');
  if (end < 1) return undefined;
  const value = Number(
    line
      .slice(end + 1)
      .trim()
      .replace('+Inf', 'Infinity')
      .replace('Nan', 'NaN'),
  );
  const labels = new Map<string, string>();
  if (brace < 0) return { name: line.slice(0, end), labels, value };
  for (let at = brace + 1; at < end;) {
    const equals = line.indexOf('="', at);
    if (equals < 0 || equals > end) break;
    let close = equals + 2;
    while (close < end && line[close] !== '"') close += line[close] === '\\' ? 2 : 1;
    const text = line.slice(equals + 2, close);
    labels.set(line.slice(at, equals), text.includes('\\') ? unescape(text) : text);
    at = close + 1;
    if (line[at] === ',') at++;
  }
  return { name: line.slice(0, brace), labels, value };
}

function unescape(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c !== '\\') out += c;
    else out += text[++i] === 'n' ? '\n' : (text[i] ?? '');
  }
  return out;
}
