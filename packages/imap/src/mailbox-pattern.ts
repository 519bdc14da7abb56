/** LIST's wildcards, RFC 3501 §6.3.8: "*" matches anything, "%" anything but the delimiter "/". */

/**
 * Does the pattern match the whole name? Both decoded. INBOX is the same in any case. No backtracking: each
 * character of the name moves a set of positions in the pattern, at most as many as the name is long.
 */
export function matchMailbox(pattern: string, name: string): boolean {
  const steps = compile(pattern);
  let literals = 0;
  for (const step of steps) if (step !== '*' && step !== '%') literals += 1;
  if (literals > name.length) return false;

  const inbox = name === 'INBOX' || name.startsWith('INBOX/') ? 5 : 0;
  let here = closure(steps, [0]);
  for (let at = 0; at < name.length; at += 1) {
    const char = name[at]!;
    const next: number[] = [];
    for (const position of here) {
      const step = steps[position];
      if (step === undefined) continue;
      if (step === '*' || (step === '%' && char !== '/')) next.push(position);
      else if (step === char || (at < inbox && step.toUpperCase() === char)) next.push(position + 1);
    }
    if (next.length === 0) return false;
    here = closure(steps, next);
  }
  return here[here.length - 1] === steps.length;
}

/** The pattern's characters, runs of wildcards made one. */
function compile(pattern: string): string[] {
  const steps: string[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at]!;
    const last = steps[steps.length - 1];
    if ((char === '*' || char === '%') && (last === '*' || last === '%')) {
      if (char === '*') steps[steps.length - 1] = '*';
    } else {
      steps.push(char);
    }
  }
  return steps;
}

/**
 * The positions and, behind a wildcard, the one after it (a wildcard may match nothing), in order and once.
 * What stands before a "*" that was reached can reach nothing that the "*" cannot: it is dropped.
 */
function closure(steps: readonly string[], positions: readonly number[]): number[] {
  const reached: number[] = [];
  let last = -1;
  for (const position of positions) {
    if (position > last) {
      if (steps[position] === '*') reached.length = 0;
      reached.push(position);
      last = position;
    }
    const step = steps[position];
    if ((step === '*' || step === '%') && position + 1 > last) {
      reached.push(position + 1);
      last = position + 1;
    }
  }
  return reached;
}
