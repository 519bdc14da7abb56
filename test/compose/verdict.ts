import type { TroubleEvent, TroubleKind } from './client/client-trouble.ts';

/**
 * What a client of a mail server that is being scaled, restarted or rolled may notice, and what it may
 * not: a goodbye at a boundary, and nothing else.
 */
export const ALLOWED: ReadonlySet<TroubleKind> = new Set<TroubleKind>(['goodbye', 'goodbye-greeting']);

/** A stretch of the trial; its troubles are those between `from` and `to` (ms since 1970). */
export interface Step {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface StepVerdict {
  readonly step: string;
  readonly seconds: number;
  /** How often each kind was seen, `kind at moment`. */
  readonly allowed: ReadonlyMap<string, number>;
  readonly forbidden: ReadonlyMap<string, number>;
  /** The first few that are not allowed, for whoever looks for the cause. */
  readonly examples: readonly TroubleEvent[];
}

/** Sorts troubles into steps, each trouble into one: what lies before the first or after the last goes to the nearest. */
export function judge(steps: readonly Step[], troubles: readonly TroubleEvent[]): StepVerdict[] {
  const byStep = new Map<Step, TroubleEvent[]>(steps.map((step) => [step, []]));
  for (const trouble of troubles) {
    const step = steps.findLast((one) => one.from <= trouble.at) ?? steps[0];
    if (step !== undefined) byStep.get(step)?.push(trouble);
  }
  return [...byStep].map(([step, its]) => {
    const forbidden = its.filter((trouble) => !ALLOWED.has(trouble.kind));
    return {
      step: step.name,
      seconds: (step.to - step.from) / 1000,
      allowed: count(its.filter((trouble) => ALLOWED.has(trouble.kind))),
      forbidden: count(forbidden),
      examples: forbidden.slice(0, 5),
    };
  });
}

function count(troubles: readonly TroubleEvent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { kind, moment, said } of troubles) {
    const what = `${kind} at ${moment}: ${said.slice(0, 60)}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return new Map([...counts].toSorted((a, b) => b[1] - a[1]));
}
