/**
 * The first file of the image: its first argument is an agent, which then runs, or a command of the
 * `waybill` tool.
 */
const AGENTS: ReadonlySet<string> = new Set(['auth', 'mda', 'mta', 'mx', 'msa', 'mra']);

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && AGENTS.has(name)) {
  if (rest.length > 0) {
    process.stderr.write(`waybill ${name}: an agent takes no arguments, only settings in its environment\n`);
    process.exit(2);
  }
  await import(`../services/${name}/src/main.ts`);
} else await import('../packages/cli/src/main.ts');
