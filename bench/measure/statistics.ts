/** Medians, percentiles and ratios: the few numbers that a run of noisy rounds leaves standing. */

/** NaN for none. NaN values are left out. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The smallest value that at least `share` (0 to 1) of all do not exceed; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).toSorted();
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[index] ?? Number.NaN;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(known), min: Math.min(...known), max: Math.max(...known) };
}

/**
 * How many times better ours is than theirs, round by round: above 1 is for us. Only values of the same round are
 * set against each other, since the machine may be slower in the next one.
 */
export function ratios(
  ours: ReadonlyMap<number, number>,
  theirs: ReadonlyMap<number, number>,
  better: 'more' | 'less',
): Spread {
  const found: number[] = [];
  for (const [round, mine] of ours) {
    const other = theirs.get(round);
    if (other === undefined) continue;
    const ratio = better === 'more' ? mine / other : other / mine;
    if (Number.isFinite(ratio) && ratio > 0) found.push(ratio);
  }
  return spread(found);
}
