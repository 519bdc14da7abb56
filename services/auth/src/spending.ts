import type { SpendRequest, SpendResponse } from '@waybill/auth-client';
import { Batcher } from '@waybill/postgres';
import type pg from 'pg';
import type { Events } from './events.ts';

/**
 * How much an account may send. Counted in Postgres, exactly over all replicas: what came while the last
 * statement ran goes in the next one, whatever the number of accounts. A message that is refused later
 * is not given back.
 */
export interface SpendLimits {
  /** Each 0: unlimited. An account may have its own. */
  readonly messagesPerHour: number;
  readonly messagesPerDay: number;
  readonly recipientsPerHour: number;
  readonly recipientsPerDay: number;
  /** Refusals within an hour that put an account on hold; 0: never. */
  readonly holdAfter: number;
}

interface Row {
  readonly item: number;
  /** 'ok', 'held', 'gone', or the name of a limit. */
  readonly outcome: string;
  readonly most: number;
  readonly wait: string;
  readonly held_now: boolean;
}

const OK: Row = { item: 0, outcome: 'ok', most: 0, wait: '0', held_now: false };
/** A statement of so many takes tens of milliseconds at most. */
const BATCH = 200;

/**
 * Counts for accounts that have room for all of their messages in the slots that are open, as they nearly
 * always have; what is missing in the answer is for directory.spend. Exact as well: who waits for a row
 * looks at it anew. Nobody waits for the disk: what a crash of Postgres forgets is half a second of counts.
 */
const WHERE_ROOM = `update directory.sent s set
    hour_messages[1] = s.hour_messages[1] + w.m, hour_messages_sum = s.hour_messages_sum + w.m,
    hour_recipients[1] = s.hour_recipients[1] + w.r, hour_recipients_sum = s.hour_recipients_sum + w.r,
    day_messages[1] = s.day_messages[1] + w.m, day_messages_sum = s.day_messages_sum + w.m,
    day_recipients[1] = s.day_recipients[1] + w.r, day_recipients_sum = s.day_recipients_sum + w.r
  from unnest($1::bigint[], $2::int[], $3::int[]) as w (account, m, r)
  cross join (select set_config('synchronous_commit', 'off', true)) as unhurried
  join directory.account c on c.id = w.account and c.state = 'active' and c.held_at is null
  where s.account_id = w.account
    and s.hour_slot = floor(extract(epoch from clock_timestamp()))::bigint / 300
    and s.day_slot = floor(extract(epoch from clock_timestamp()))::bigint / 3600
    ${[
      ['messages_per_hour', 'hour_messages_sum + w.m', '$4'],
      ['messages_per_day', 'day_messages_sum + w.m', '$5'],
      ['recipients_per_hour', 'hour_recipients_sum + w.r', '$6'],
      ['recipients_per_day', 'day_recipients_sum + w.r', '$7'],
    ]
      .map(
        ([own, sum, most]) =>
          `and (coalesce(c.${own}, ${most}::int) = 0 or s.${sum} <= coalesce(c.${own}, ${most}))`,
      )
      .join('\n    ')}
  returning s.account_id::text as account`;
/** The same for many: their rows are locked in one order, lest two replicas wait for each other. */
const WHERE_ROOM_MANY = `with locked as materialized (
    select account_id from directory.sent where account_id = any($1::bigint[]) order by account_id for update)
  ${WHERE_ROOM.replace('where s.account_id = w.account', 'join locked l on l.account_id = w.account where s.account_id = w.account')}`;

const ONE = { name: 'directory-spend-one', text: WHERE_ROOM };
const MANY = { name: 'directory-spend-many', text: WHERE_ROOM_MANY };

export class Spending {
  readonly #batcher: Batcher<SpendRequest, Row>;
  readonly #events: Events;

  constructor(pool: pg.Pool, limits: SpendLimits, events: Events) {
    this.#events = events;
    const defaults = [
      limits.messagesPerHour,
      limits.messagesPerDay,
      limits.recipientsPerHour,
      limits.recipientsPerDay,
    ];
    this.#batcher = new Batcher({
      limit: BATCH,
      run: async (items) => {
        const groups = [...Map.groupBy(items, (item) => item.accountId)];
        const roomy = await pool.query<{ account: string }>({
          ...(groups.length === 1 ? ONE : MANY),
          values: [
            groups.map(([account]) => account),
            groups.map(([, of]) => of.length),
            groups.map(([, of]) => of.reduce((sum, { recipients }) => sum + recipients, 0)),
            ...defaults,
          ],
        });
        const counted = new Set(roomy.rows.map(({ account }) => account));
        const rest = [...items.keys()].filter((i) => !counted.has(items[i]!.accountId));
        const answers: Row[] = items.map(() => OK);
        if (rest.length === 0) return answers;
        const { rows } = await pool.query<Row>({
          name: 'directory-spend',
          text: 'select * from directory.spend($1, $2, $3, $4, $5, $6, $7)',
          values: [
            rest.map((i) => items[i]!.accountId),
            rest.map((i) => items[i]!.recipients),
            ...defaults,
            limits.holdAfter,
          ],
        });
        for (const row of rows) answers[rest[row.item - 1]!] = row;
        return answers;
      },
      // What was counted before a fault is not counted again.
      retryEach: () => false,
    });
  }

  /** @throws what the database throws */
  async spend(request: SpendRequest): Promise<SpendResponse> {
    // No account has such an id; it would spoil the batch that it comes in.
    const row = /^\d{1,18}$/.test(request.accountId) ? await this.#batcher.add(request) : undefined;
    const answer = answerOf(row);
    const limit = answer.status === 'limited' ? answer.limit : undefined;
    this.#events.spent(answer.status, request.accountId, limit, row?.held_now === true);
    return answer;
  }
}

/** An account that is suspended or gone is told the same as one that is held. Pure. */
function answerOf(row: Row | undefined): SpendResponse {
  if (row?.outcome === 'ok') return { status: 'ok' };
  if (row === undefined || row.outcome === 'held' || row.outcome === 'gone' || row.held_now)
    return { status: 'held' };
  return {
    status: 'limited',
    limit: `${row.most} ${row.outcome}`,
    retryAfter: Math.max(1, Number(row.wait)),
  };
}
