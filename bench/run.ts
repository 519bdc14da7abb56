import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { LoadClient, Sink } from './clients/load-client.ts';
import { compare } from './comparison.ts';
import { CgroupMaker } from './measure/cgroups.ts';
import { describeMachine, hostKind } from './measure/machine.ts';
import { FORMATS, type MailFormat } from './peers/dovecot.ts';
import { startPostfixAndDovecot } from './peers/postfix-and-dovecot.ts';
import { openSuiteInCompose } from './peers/suite-in-compose.ts';
import { startSuiteInLab } from './peers/suite-in-lab.ts';
import type { Target } from './peers/target.ts';
import type { Mode, Results } from './results.ts';
import { type Row, rowsOf, SCALES } from './rows.ts';
import { scaling } from './scaling.ts';
import { renderTables } from './table.ts';

/**
 * `pnpm bench`: one load client, the suite and (when installed) Postfix and Dovecot, in turn, in one run.
 *
 *     pnpm bench                       five rounds of every row (about half an hour)
 *     pnpm bench --quick               two short rounds, under three minutes
 *     pnpm bench --tiny                only shows that the bench itself works
 *     pnpm bench --only deliver-5k,login --rounds 3
 *     pnpm bench --scaling [--agents mx,mra]
 *     pnpm bench --compose waybill     against a compose project that is up
 */
const USAGE = `pnpm bench [--quick | --tiny] [--rounds N] [--only ROW,…] [--no-peers] [--format maildir|mdbox|sdbox]
           [--scaling [--agents NAME,…]] [--compose PROJECT] [--out FOLDER]`;

let interrupted = false;
try {
  process.exitCode = await main();
} catch (error) {
  // What was taken away under its hands is no news then; the process ends when all has been stopped.
  if (!interrupted) {
    console.error(`bench: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

async function main(): Promise<number> {
  const chosen = options();
  if (typeof chosen === 'string') {
    console.error(`${chosen}\n${USAGE}`);
    return 2;
  }
  const { mode } = chosen;
  const scale = { ...SCALES[mode], rounds: chosen.rounds ?? SCALES[mode].rounds };
  const say = (line: string): void => console.log(line);
  const machine = describeMachine();
  await using stack = new AsyncDisposableStack();
  // Ctrl-C: whatever was started is stopped, in order.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      interrupted = true;
      void stack.disposeAsync().finally(() => process.exit(130));
    });
  const groups = CgroupMaker.open();
  if (groups !== undefined) stack.use(groups);
  const sink = stack.use(await Sink.start());
  const client = stack.use(new LoadClient());
  const tools = { client, sink, scale, groups, cores: machine.cores };
  const base = { date: new Date().toISOString().slice(0, 10), mode, rounds: scale.rounds, machine };
  const name = `${base.date}-${hostKind(machine)}`;
  const quick = mode === 'full' ? '' : `-${mode}`;
  const nothing = { targets: [], missing: [], rows: [], footprint: [], scaling: [] };

  if (chosen.scaling) {
    const steps = await scaling({ mode, agents: chosen.agents, tools, say });
    return write(chosen.out, `${name}-scaling${quick}`, { ...base, ...nothing, scaling: steps }, say);
  }
  say('starting Waybill');
  const suite: Target = stack.use(
    chosen.compose === undefined
      ? await startSuiteInLab({ readers: scale.readers, sinkPort: sink.port })
      : await openSuiteInCompose({ project: chosen.compose, readers: scale.readers }),
  );
  const targets = [suite];
  const missing: string[] = [];
  if (chosen.peers) {
    say('starting Postfix and Dovecot');
    const beside = await startPostfixAndDovecot({
      readers: scale.readers,
      sinkPort: sink.port,
      format: chosen.format,
    });
    if (beside.target !== undefined) targets.push(stack.use(beside.target));
    missing.push(...beside.missing);
    for (const line of missing) say(line);
  }
  const compared = await compare({ targets, rows: chosen.rows, mode, rounds: scale.rounds, tools, say });
  const compose = chosen.compose === undefined ? '' : '-compose';
  const results: Results = { ...base, ...nothing, missing, ...compared };
  return write(chosen.out, `${name}${compose}${quick}`, results, say);
}

interface Options {
  readonly mode: Mode;
  readonly rounds: number | undefined;
  readonly rows: readonly Row[];
  readonly peers: boolean;
  readonly format: MailFormat;
  readonly scaling: boolean;
  readonly agents: readonly string[];
  readonly compose: string | undefined;
  readonly out: string;
}

/** What was asked for, or what is wrong with it. */
function options(): Options | string {
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        quick: { type: 'boolean', default: false },
        tiny: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        only: { type: 'string', default: '' },
        peers: { type: 'boolean', default: true },
        format: { type: 'string', default: 'maildir' },
        scaling: { type: 'boolean', default: false },
        agents: { type: 'string', default: '' },
        compose: { type: 'string' },
        out: { type: 'string', default: path.join(import.meta.dirname, 'results') },
      },
    });
    const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
    if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100))
      return '--rounds takes a number from 1 to 100';
    const format = FORMATS.find((one) => one === values.format);
    if (format === undefined) return `--format takes ${FORMATS.join(', ')}`;
    const list = (text: string): string[] => text.split(',').filter((one) => one !== '');
    return {
      mode: values.tiny ? 'tiny' : values.quick ? 'quick' : 'full',
      rounds,
      rows: rowsOf(list(values.only)),
      peers: values.peers,
      format,
      scaling: values.scaling,
      agents: list(values.agents),
      compose: values.compose,
      out: path.resolve(values.out),
    };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Writes both files and says the tables. @returns the exit code: 1 when a sample had a fault */
function write(folder: string, name: string, results: Results, say: (line: string) => void): number {
  fs.mkdirSync(folder, { recursive: true });
  const tables = renderTables(results);
  fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(results, null, 1)}\n`);
  fs.writeFileSync(path.join(folder, `${name}.md`), tables);
  say(`\n${tables}`);
  say(`written: ${path.relative(process.cwd(), path.join(folder, name))}.{json,md}`);
  const samples = results.rows.flatMap((row) => Object.values(row.samples).flat());
  return [...samples, ...results.scaling].some(({ faults }) => Object.keys(faults).length > 0) ? 1 : 0;
}
