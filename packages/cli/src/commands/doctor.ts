import { Inquiry } from '@waybill/dns/inspect';
import type { Command } from '../command-table.ts';
import { openDirectory } from '../directory-door.ts';
import { allGood, examine, type Result } from '../doctor/check-table.ts';
import { changes } from '../doctor/changes.ts';
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
    const codes: number[] = [];
    for (const domain of domains) {
      const first = await look(domain);
      if (first === undefined) {
        process.stderr.write(
          `waybill doctor: ${domain} does not exist in the DNS: look at its spelling, or register it first.\n`,
        );
        codes.push(EXIT.notFound);
        continue;
      }
      process.stdout.write(json ? reportJson(first, new Date()) : renderReport(first, colour));
      const results = parsed.flag('watch')
        ? await watch(first, () => look(domain), { interval, json, colour, signal: stop.signal })
        : first.results;
      codes.push(allGood(results) ? EXIT.done : EXIT.toDo);
    }
    return Math.max(...codes);
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

/** Looks again and again until all is good or the person has seen enough; prints what changed. @returns the last results */
async function watch(
  first: Report,
  again: () => Promise<Report | undefined>,
  how: {
    readonly interval: number;
    readonly json: boolean;
    readonly colour: boolean;
    readonly signal: AbortSignal;
  },
): Promise<readonly Result[]> {
  let last = first;
  while (!allGood(last.results)) {
    await pause(how.interval * 1000, how.signal);
    if (how.signal.aborted) break;
    const now = await again();
    if (now === undefined) continue;
    const changed = changes(last.results, now.results);
    if (changed.length > 0 && how.json) process.stdout.write(reportJson(now, new Date()));
    else if (changed.length > 0) {
      const lines = changed.flatMap(({ now: result }) =>
        renderResult(result, now.domain, how.colour).map(printable),
      );
      process.stdout.write(
        `\n${new Date().toISOString().slice(0, 19)}Z\n${lines.join('\n')}\n${conclusion(now)}\n`,
      );
    }
    last = now;
  }
  return last.results;
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

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end, { once: true });
  });
}
