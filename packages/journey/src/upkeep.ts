import type pg from 'pg';

export interface JourneyUpkeepOptions {
  /** Days that events are kept; 30 when not given. */
  readonly eventDays?: number;
  /** Days that transcripts are kept; 7 when not given. */
  readonly transcriptDays?: number;
}

/**
 * Makes the partitions of the coming days and drops those past their time. To be called by the
 * mta's sweeper, at least daily; hourly costs nothing.
 */
export async function maintainJourney(
  pool: pg.Pool,
  options: JourneyUpkeepOptions = {},
): Promise<{ made: number; dropped: number }> {
  const { rows } = await pool.query<{ made: number; dropped: number }>(
    'select made, dropped from journey.maintain($1, $2)',
    [options.eventDays ?? 30, options.transcriptDays ?? 7],
  );
  return rows[0] ?? { made: 0, dropped: 0 };
}
