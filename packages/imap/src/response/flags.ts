/** Flags on the way out: RFC 3501 §7.2.6 and §7.4.2. */
import { SYSTEM_FLAGS } from '../grammar/flag.ts';

/** The 32 combinations of system flags, each as its names behind each other. */
const NAMES: readonly string[] = Array.from({ length: 1 << SYSTEM_FLAGS.length }, (_, bits) =>
  SYSTEM_FLAGS.filter(([, bit]) => (bits & bit) !== 0)
    .map(([name]) => name)
    .join(' '),
);

/** `(\Seen \Recent $Forwarded)`; `system` are the bits of FlagList.system. */
export function flagsText(system: number, keywords: readonly string[] = [], recent = false): string {
  let names = NAMES[system & (NAMES.length - 1)]!;
  if (recent) names += names === '' ? '\\Recent' : ' \\Recent';
  if (keywords.length > 0) names += (names === '' ? '' : ' ') + keywords.join(' ');
  return `(${names})`;
}

const ALL_SYSTEM = NAMES[NAMES.length - 1]!;

/** `* FLAGS (…)`: the flags that may occur in this mailbox. RFC 3501 §7.2.6. */
export function flagsLine(keywords: readonly string[]): string {
  return `* FLAGS (${[ALL_SYSTEM, ...keywords].join(' ')})\r\n`;
}

/**
 * The PERMANENTFLAGS code: none for a read-only mailbox, else all and `\*` while new keywords can be made.
 * RFC 3501 §7.1.
 */
export function permanentFlagsCode(
  readOnly: boolean,
  keywords: readonly string[],
  newKeywords: boolean,
): string {
  if (readOnly) return 'PERMANENTFLAGS ()';
  return `PERMANENTFLAGS (${[ALL_SYSTEM, ...keywords, ...(newKeywords ? ['\\*'] : [])].join(' ')})`;
}
