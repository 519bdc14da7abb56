import { readTranscripts, renderJourney, traceJourney } from '@waybill/journey';
import { openJourneyDatabases } from '../journey-databases.ts';
import { parse } from '../options.ts';
import { EXIT, UsageError } from '../usage.ts';
import type { Command } from '../command-table.ts';

const USAGE = `waybill journey <id | message-id | address>   where a message is, and how it got there
  --limit N       most journeys of a Message-ID or address, newest first (default 5)
  --transcript    the conversations too, as far as they are kept
  --json          for programs
  --data DIR      of a running lab (else WAYBILL_DATABASE_URL, as operator)
  --database [NAME=]PLACE   instead; repeated where the message crossed machines. PLACE is a connection
                  string (as operator) or a file that holds one; also WAYBILL_JOURNEY_DATABASES, with spaces,
                  besides WAYBILL_DATABASE_URL`;

/** Draws what the agents recorded and what the spool knows. Exit code 3 when nothing is known. */
export const journey: Command = {
  usage: USAGE,
  async run(args) {
    const parsed = parse(args, { limit: true, transcript: false, json: false, data: true, database: 'many' });
    const [key] = parsed.words;
    if (key === undefined || parsed.words.length > 1)
      throw new UsageError('say one id, Message-ID or address');
    await using databases = await openJourneyDatabases(parsed);
    const { machines } = databases;
    const views = await traceJourney(machines, key, { limit: parsed.count('limit') ?? 5 });
    if (views.length === 0) {
      process.stderr.write(`nothing is known of ${key}: events are kept for 30 days\n`);
      return EXIT.notFound;
    }
    const transcripts = parsed.flag('transcript')
      ? await Promise.all(views.map((view) => readTranscripts(machines, view)))
      : undefined;
    if (parsed.flag('json')) {
      process.stdout.write(
        `${JSON.stringify(views.map((view, i) => ({ ...view, transcripts: transcripts?.[i] })))}\n`,
      );
      return EXIT.done;
    }
    views.forEach((view, i) => {
      process.stdout.write(`${i === 0 ? '' : '\n'}${renderJourney(view)}`);
      for (const one of transcripts?.[i] ?? []) {
        process.stdout.write(`\n  ${one.agent.toUpperCase()} ${one.instance}, session ${one.sessionId}\n`);
        for (const line of one.text.split('\n'))
          process.stdout.write(`    ${line.replaceAll(/\p{Cc}/gu, '')}\n`);
      }
    });
    return EXIT.done;
  },
};
