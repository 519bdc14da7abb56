import { type DnsRecord, panelForm, panelLine, quotedChunks, zoneLine } from '../records/record.ts';
import { allGood, type Result } from './check-table.ts';
import type { Verdict } from './finding.ts';

/** The report, for people and for programs. */
export interface Report {
  readonly domain: string;
  readonly host: string;
  readonly addresses: readonly string[];
  /** The zone's own servers and the resolvers that were asked. */
  readonly asked: readonly string[];
  readonly results: readonly Result[];
}

const COLOURS: Readonly<Record<Verdict, string>> = {
  ok: '\u001B[32m',
  fix: '\u001B[31m',
  warn: '\u001B[33m',
  'cannot tell': '\u001B[90m',
};
const RESET = '\u001B[0m';
const WORDS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  fix: 'FIX',
  warn: 'WARN',
  'cannot tell': '?',
};

/** Whether to colour: a terminal, and nobody who said NO_COLOR (any value but the empty one). */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

export function renderReport(report: Report, colour: boolean): string {
  const lines = [
    `${report.domain}: mail host ${report.host}${report.addresses.length === 0 ? '' : ` (${report.addresses.join(', ')})`}`,
    `asked: ${report.asked.join(', ') || 'nobody'}`,
    '',
    ...report.results.flatMap((result, index) =>
      likewise(report.results[index - 1], result)
        ? [`${colour ? `${COLOURS['cannot tell']}?   ${RESET}` : '?   '} ${result.id.padEnd(8)} likewise`]
        : renderResult(result, report.domain, colour),
    ),
    '',
    conclusion(report),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

/** What cannot be told for the same reason as the check before need not say it again. */
function likewise(before: Result | undefined, now: Result): boolean {
  return before?.verdict === 'cannot tell' && now.verdict === 'cannot tell' && before.means === now.means;
}

export function conclusion({ domain, results }: Report): string {
  const count = (verdict: Verdict): number => results.filter((one) => one.verdict === verdict).length;
  const unknown = count('cannot tell');
  const rest = unknown === 0 ? '' : `; ${unknown} could not be told`;
  return allGood(results)
    ? `${domain}: all good${rest}.`
    : `${domain}: ${count('fix')} to fix, ${count('warn')} to look at${rest}. Again until all is good: waybill doctor ${domain} --watch`;
}

/** One check: one line when it is well, everything when it is not. */
export function renderResult(result: Result, domain: string, colour: boolean): string[] {
  const { id, title, verdict, means, fix, evidence, notes, next } = result;
  const word = WORDS[verdict].padEnd(4);
  const head = `${colour ? `${COLOURS[verdict]}${word}${RESET}` : word} ${id.padEnd(8)} ${title}`;
  const note = notes.map((one) => `       note:   ${one}`);
  if (fix === undefined)
    return [`${head}: ${means}`, ...note, ...(next === undefined ? [] : [`       next:   ${next}`])];
  const lines = [head, `       ${means}`, `       do:     ${fix.text}`];
  for (const record of fix.remove) lines.push(`       remove: ${panelLine(record, domain)}`);
  for (const record of fix.publish) lines.push(...publishLines(record, domain));
  for (const one of evidence) lines.push(`       seen:   ${one}`);
  return [...lines, ...note];
}

function publishLines(record: DnsRecord, domain: string): string[] {
  const chunked = panelForm(record, domain).chunks !== undefined;
  return [
    `       panel:  ${panelLine(record, domain)}`,
    ...(chunked ? [`       split:  ${quotedChunks(record.value)}`] : []),
    `       zone:   ${zoneLine(record)}`,
  ];
}

export function reportJson(report: Report, at: Date): string {
  const results = report.results.map(({ fix, ...rest }) => ({
    ...rest,
    ...(fix === undefined
      ? {}
      : {
          fix: {
            text: fix.text,
            publish: fix.publish.map((record) => shapes(record, report.domain)),
            remove: fix.remove.map((record) => shapes(record, report.domain)),
          },
        }),
  }));
  const { domain, host, addresses, asked } = report;
  return `${JSON.stringify({ at: at.toISOString(), domain, host, addresses, asked, good: allGood(report.results), results })}\n`;
}

function shapes(record: DnsRecord, domain: string): object {
  return { panel: panelForm(record, domain), zone: zoneLine(record) };
}

/** What came over the network is no command to a terminal; our own colours are. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}(?!\[(?:0|3[123]|90)m)/gu, '');
}
