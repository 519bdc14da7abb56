import { DirectoryError } from '@waybill/auth-client';
import { COMMANDS, overview } from './command-table.ts';
import { EXIT, suggest, UsageError } from './usage.ts';

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 usage, 3 not found, 4 something is to do */
export async function tool([noun, ...args]: readonly string[]): Promise<number> {
  if (noun === undefined) {
    process.stderr.write(`${overview()}\n`);
    return EXIT.usage;
  }
  if (noun === 'help' || noun === '--help' || noun === '-h') {
    process.stdout.write(`${overview()}\n`);
    return EXIT.done;
  }
  const command = COMMANDS.get(noun);
  if (command === undefined) {
    process.stderr.write(`waybill: there is no command "${noun}"${suggest(noun, [...COMMANDS.keys()])}\n`);
    return EXIT.usage;
  }
  try {
    const { usage, run } = await command.load();
    if (args.includes('--help') || args.includes('-h')) {
      process.stdout.write(`${usage}\n`);
      return EXIT.done;
    }
    return await run(args);
  } catch (error) {
    return explain(noun, error);
  }
}

/** Says what went wrong, and what to do where that is known. */
function explain(noun: string, error: unknown): number {
  const { message, code } = error as { message?: string; code?: unknown };
  if (code === 'ERR_MODULE_NOT_FOUND' && message?.includes('@waybill/lab') === true) {
    process.stderr.write(
      `waybill ${noun}: the lab is not part of this installation; it comes with the repository.\n`,
    );
    return EXIT.failed;
  }
  const misread = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`waybill ${noun}: ${message ?? String(error)}\n`);
  if (error instanceof UsageError || misread) {
    process.stderr.write(`See \`waybill ${noun} --help\`.\n`);
    return EXIT.usage;
  }
  if (error instanceof DirectoryError && error.code === 'not-found') return EXIT.notFound;
  return EXIT.failed;
}
