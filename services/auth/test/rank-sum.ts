/**
 * Mann and Whitney's rank sum test: do two samples come from one distribution? Two-sided, by the normal
 * approximation with correction for ties and continuity, which is good from twenty values on. Pure.
 */
export interface RankSum {
  /** How often a value of the first exceeds one of the second, ties half. */
  readonly u: number;
  readonly z: number;
  /** The probability of a difference as large as this, if there is none. */
  readonly p: number;
}

export function rankSum(first: readonly number[], second: readonly number[]): RankSum {
  const all = [...first.map((value) => ({ value, of: 0 })), ...second.map((value) => ({ value, of: 1 }))];
  all.sort((a, b) => a.value - b.value);
  const [n, m] = [first.length, second.length];
  let rankOfFirst = 0;
  let ties = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to]!.value === all[from]!.value) to++;
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) if (all[i]!.of === 0) rankOfFirst += rank;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const u = rankOfFirst - (n * (n + 1)) / 2;
  const total = n + m;
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  const distance = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5);
  const z = deviation === 0 ? 0 : distance / deviation;
  return { u, z, p: 2 * upperTail(z) };
}

/** The chance that a standard normal value is above z: Abramowitz and Stegun 26.2.17, right to 7.5e-8. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.231_641_9 * z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const series =
    t *
    (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
  return density * series;
}
