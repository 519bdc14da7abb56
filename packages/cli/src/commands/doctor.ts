import { Inquiry } from '@waybill/dns/inspect';
import type { Command } from '../command-table.ts';
import { openDirectory } from '../directory-door.ts';
import { allGood, examine } from '../doctor/check-table.ts';
import { type Change, changes } from '../doctor/changes.ts';
import { gather } from '../doctor/gather.ts';
import { spfReader } from '../doctor/read-spf.ts';
import {
  conclusion,
  printable,
  renderReport,
  renderResult,
  type Report,
  reportJson,
  wantsColour,
} from '../doctor/render.ts';
import { parse } from '../options.ts';
import { readKeys } from '../records/read-keys.ts';
import {
  readDomain,
  readSiteOptions,
  SITE_OPTIONS,
  SITE_USAGE,
  type SiteOptions,
} from '../records/site-options.ts';
import { pause } from '../pause.ts';
import { EXIT, UsageError } from '../usage.ts';

const USAGE = `waybill doctor [DOMAIN…]   compares what the DNS says with what it should say, and tries the doors; without a domain: all of ours
  --json                for programs, a line for each domain
  --watch               again until all is good, printing what changed
  --interval SECONDS    between two looks of --watch (default 30)
  --outbound DOMAIN     call port 25 of this stranger's mail host, to see whether mail can go out (WAYBILL_DOCTOR_OUTBOUND)
  --no-network          only ask the DNS: call no mail host and no agent
${SITE_USAGE}
Each check is ok, FIX, WARN or ? (cannot be told), with its fix as a panel and as a zone file want it. The zone's own servers
are asked beside the resolver: where they differ, the new value is live and the old one only cached.
DKIM keys come from auth (WAYBILL_AUTH … as for \`waybill domain\`), lost client addresses from mx (WAYBILL_OPS).
Who holds mail ports is read in /proc, or in WAYBILL_DOCTOR_PROC where a container sees its machine's.
Exit code: 0 all good; 4 something is to do; 2 usage; 3 a domain does not exist.`;

/** Looks and reports; it changes nothing, and sends no mail. */
export const doctor: Command = {
  usage: USAGE,
  async run(args) {
    const parsed = parse(args, {
      ...SITE_OPTIONS,
      json: false,
      watch: false,
      interval: true,
      outbound: true,
      'no-network': false,
    });
    const interval = parsed.count('interval') ?? 30;
    const options = await readSiteOptions(parsed);
    const domains =
      parsed.words.length > 0 ? parsed.words.map(readDomain) : await allDomains(parsed.value('data'));
    const look = (domain: string): Promise<Report | undefined> =>
      lookAt(domain, options, { lab: parsed.value('data'), network: !parsed.flag('no-network') });
    const json = parsed.flag('json');
    const colour = wantsColour(process.env, process.stdout.isTTY === true);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const last = new Map<string, Report>();
    for (const domain of domains) {
      const report = await look(domain);
      if (report === undefined) {
        process.stderr.write(
          `waybill doctor: ${domain} does not exist in the DNS: look at its spelling, or register it first.\n`,
        );
        continue;
      }
      last.set(domain, report);
      process.stdout.write(json ? reportJson(report, new Date()) : renderReport(report, colour));
    }
    if (parsed.flag('watch')) await watch(last, look, { interval, json, colour, signal: stop.signal });
    const good = [...last.values()].every(({ results }) => allGood(results));
    if (!good) return EXIT.toDo;
    return last.size < domains.length ? EXIT.notFound : EXIT.done;
  },
};

async function lookAt(
  domain: string,
  options: SiteOptions,
  { lab, network }: { readonly lab: string | undefined; readonly network: boolean },
): Promise<Report | undefined> {
  const inquiry = new Inquiry({
    place: options.place,
    ...(options.resolvers === undefined ? {} : { resolvers: options.resolvers }),
  });
  const site = options.of(domain);
  const configured = lab === undefined ? options.configuredHost : site.host;
  const facts = await gather(site, configured, {
    inquiry,
    keys: () => readKeys(domain, lab),
    readSpf: spfReader(inquiry),
    place: options.place,
    network,
    outbound: options.outbound,
    ops: options.ops,
    proc: process.env['WAYBILL_DOCTOR_PROC'] ?? '/proc',
  });
  if (facts === undefined) return undefined;
  return {
    domain,
    host: facts.site.host,
    addresses: facts.site.addresses,
    asked: [...facts.mx.authorities, ...facts.mx.resolvers].map(({ server }) => server),
    results: examine(facts),
  };
}

/** Looks again and again until all is good or the person has seen enough; prints what changed, and keeps the last reports. */
async function watch(
  last: Map<string, Report>,
  look: (domain: string) => Promise<Report | undefined>,
  how: {
    readonly interval: number;
    readonly json: boolean;
    readonly colour: boolean;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  for (;;) {
    const waiting = [...last].filter(([, { results }]) => !allGood(results));
    if (waiting.length === 0) return;
    await pause(how.interval * 1000, how.signal);
    for (const [domain, before] of waiting) {
      if (how.signal.aborted) return;
      const now = await look(domain);
      if (now === undefined) continue;
      last.set(domain, now);
      const changed = changes(before.results, now.results);
      if (changed.length > 0) printChanges(now, changed, how);
    }
  }
}

function printChanges(
  now: Report,
  changed: readonly Change[],
  how: { readonly json: boolean; readonly colour: boolean },
): void {
  if (how.json) {
    process.stdout.write(reportJson(now, new Date()));
    return;
  }
  const lines = changed.flatMap(({ now: result }) =>
    renderResult(result, now.domain, how.colour).map(printable),
  );
  process.stdout.write(
    `\n${new Date().toISOString().slice(0, 19)}Z\n${lines.join('\n')}\n${conclusion(now)}\n`,
  );
}

/** Every domain of the directory. @throws UsageError where it cannot be asked */
async function allDomains(lab: string | undefined): Promise<string[]> {
  try {
    await using directory = await openDirectory(lab);
    const names = (await Array.fromAsync(directory.domains())).map(({ name }) => name);
    if (names.length > 0) return names;
  } catch (error) {
    throw new UsageError(`name a domain, for the directory cannot tell ours: ${(error as Error).message}`);
  }
  throw new UsageError('there is no domain of ours yet: name one, or add it by `waybill domain add NAME`');
}
