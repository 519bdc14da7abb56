/** Reads a PromQL expression just far enough to say which metrics and which labels it names. */
export interface Named {
  /** Each metric with the labels that its selector names. */
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[];
  /** Labels of by, without, on, ignoring and group_left, and of nothing else. */
  readonly grouping: readonly string[];
}

const LABEL_LISTS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);
const OPERATORS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'inf', 'nan']);
const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9][0-9a-zA-Z.]*|\[[^\]]*\]|[=!]~|[^\s]/gy;

/** Grafana's `$__rate_interval` and variables in strings may stand in it. @throws Error for what it cannot read */
export function namedIn(expr: string): Named {
  const tokens = (expr.match(TOKEN) ?? []).filter((token) => token.trim() !== '');
  const metrics: { name: string; labels: readonly string[] }[] = [];
  const grouping: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? '';
    if (token === '{') throw new Error(`a selector without a metric in ${expr}`);
    if (!/^[a-zA-Z_:]/.test(token) || OPERATORS.has(token)) continue;
    const next = tokens[i + 1];
    if (LABEL_LISTS.has(token)) {
      if (next !== '(') continue; // group_left alone
      const end = tokens.indexOf(')', i);
      grouping.push(...tokens.slice(i + 2, end).filter((one) => one !== ','));
      i = end;
    } else if (next === '{') {
      const end = tokens.indexOf('}', i);
      if (end < 0) throw new Error(`an open selector in ${expr}`);
      const inside = tokens.slice(i + 2, end);
      metrics.push({ name: token, labels: inside.filter((one) => /^[a-zA-Z_]/.test(one)) });
      i = end;
    } else if (next !== '(' && !LABEL_LISTS.has(next ?? '')) metrics.push({ name: token, labels: [] });
  }
  return { metrics, grouping };
}
