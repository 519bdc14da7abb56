import type { DirectoryClient } from '@waybill/auth-client';
import type { Command } from './command-table.ts';
import { openDirectory } from './directory-door.ts';
import { parse, type Parsed } from './options.ts';
import { suggest, UsageError } from './usage.ts';

/** A noun with verbs, each of which asks auth's directory. */
export interface Verb {
  /** Names of the words that must follow, then of those that may (with … as many as one likes). */
  readonly words: readonly string[];
  readonly optional?: string | undefined;
  /** Option names without dashes; true takes a value. */
  readonly options?: Readonly<Record<string, boolean>>;
  readonly run: (directory: DirectoryClient, parsed: Parsed) => Promise<void>;
}

/** Options that every verb has. */
const COMMON = { json: false, data: true } as const;

export function nounCommand(noun: string, usage: string, verbs: ReadonlyMap<string, Verb>): Command {
  return {
    usage: `${usage}
  --json                as JSON
  --data DIR            of the lab in DIR (else WAYBILL_AUTH, WAYBILL_AUTH_CA_FILE, WAYBILL_AGENT_CERT_FILE, WAYBILL_AGENT_KEY_FILE)`,
    async run(given) {
      const known = [...verbs.keys()];
      // A verb of two words, like "grant add", has a group of its own.
      const group = known.filter((verb) => verb.startsWith(`${given[0]} `));
      const [name, args] =
        group.length > 0 ? [given.slice(0, 2).join(' '), given.slice(2)] : [given[0], given.slice(1)];
      if (name === undefined) throw new UsageError(`say what to do: ${known.join(', ')}`);
      if (group.length > 0 && given.length < 2)
        throw new UsageError(`say what to do: ${noun} ${group.join(`, ${noun} `)}`);
      const verb = verbs.get(name);
      if (verb === undefined) throw new UsageError(`there is no "${noun} ${name}"${suggest(name, known)}`);
      const parsed = parse(args, { ...verb.options, ...COMMON });
      const most =
        verb.words.length + (verb.optional === undefined ? 0 : verb.optional.endsWith('…') ? Infinity : 1);
      const missing = verb.words[parsed.words.length];
      if (missing !== undefined) throw new UsageError(`${noun} ${name} needs ${missing}`);
      if (parsed.words.length > most)
        throw new UsageError(`${noun} ${name} does not take "${parsed.words[most]}"`);
      await using directory = await openDirectory(parsed.value('data'));
      await verb.run(directory, parsed);
      return 0;
    },
  };
}
