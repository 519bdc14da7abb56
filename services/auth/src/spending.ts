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

/** Larger than any message in one statement helps; a statement of so many takes tens of milliseconds. */
const BATCH = 500;

export class Spending {
  readonly #batcher: Batcher<SpendRequest, Row>;
  readonly #events: Events;

  constructor(pool: pg.Pool, limits: SpendLimits, events: Events) {
    this.#events = events;
    this.#batcher = new Batcher({
      limit: BATCH,
      run: async (items) => {
        const { rows } = await pool.query<Row>({
          name: 'directory-spend',
          text: 'select * from directory.spend($1, $2, $3, $4, $5, $6, $7)',
          values: [
            items.map((item) => item.accountId),
            items.map((item) => item.recipients),
            limits.messagesPerHour,
            limits.messagesPerDay,
            limits.recipientsPerHour,
            limits.recipientsPerDay,
            limits.holdAfter,
          ],
        });
        return rows.toSorted((a, b) => a.item - b.item);
      },
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
