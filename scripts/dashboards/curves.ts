/** The few shapes of query that the dashboards are made of. */

/** Per second over the last moments, by label. */
export function rate(metric: string, by: string): string {
  return `sum by (${by}) (rate(${metric}[$__rate_interval]))`;
}

/** A quantile of a histogram of seconds, by label or over all. */
export function quantile(q: number, metric: string, by = ''): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${metric}_bucket[$__rate_interval])))`;
}
