import { openOperatorPool } from '../operator-pool.ts';
import { parse } from '../options.ts';
import { EXIT, suggest, UsageError } from '../usage.ts';
import type { Command } from '../command-table.ts';

const USAGE = `waybill queue ls      what the spool still holds, oldest due first
waybill queue count   one number: recipients that are not finished
  --limit N       (ls) at most N rows (default 50)
  --json          for programs
  --data DIR      of a running lab (else WAYBILL_DATABASE_URL, as operator)`;

interface Row {
  readonly id: string;
  readonly recipient: string;
  readonly destination: string;
  readonly state: string;
  readonly attempts: number;
  readonly next_at: Date;
  readonly last: string | null;
}

/** Reads the spool; it changes nothing. */
export const queue: Command = {
  usage: USAGE,
  async run(args) {
    const parsed = parse(args, { limit: true, json: false, data: true });
    const [verb = ''] = parsed.words;
    if (verb !== 'ls' && verb !== 'count')
      throw new UsageError(`queue takes ls or count, not "${verb}"${suggest(verb, ['ls', 'count'])}`);
    const pool = await openOperatorPool(parsed.value('data'));
    try {
      if (verb === 'count') {
        const { rows } = await pool.query<{ open: string }>(
          'select count(*) as open from spool.rcpt where state in (0, 1)',
        );
        process.stdout.write(`${rows[0]?.open ?? 0}\n`);
        return EXIT.done;
      }
      const { rows } = await pool.query<Row>(
        `select spool_id as id, address as recipient, destination, case state when 1 then 'being tried' else 'waiting' end as state,
                attempts, next_at, concat_ws(' ', last_code, last_text) as last
           from spool.rcpt where state in (0, 1) order by next_at limit $1`,
        [parsed.count('limit') ?? 50],
      );
      if (parsed.flag('json')) process.stdout.write(`${JSON.stringify(rows)}\n`);
      else if (rows.length === 0) process.stderr.write('The spool is empty.\n');
      for (const row of parsed.flag('json') ? [] : rows) {
        const when = row.state === 'waiting' ? `next try ${row.next_at.toISOString().slice(0, 19)}Z` : 'now';
        process.stdout.write(
          `${row.id}  ${row.recipient}  ${row.state}, ${when}, ${row.attempts} attempts${row.last === '' || row.last === null ? '' : `: ${row.last.replaceAll(/\p{Cc}/gu, ' ')}`}\n`,
        );
      }
      return EXIT.done;
    } finally {
      await pool.end();
    }
  },
};
