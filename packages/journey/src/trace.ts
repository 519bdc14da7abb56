import type pg from 'pg';
import { plainArray, textArray } from '@waybill/postgres';
import type { Kind } from './event.ts';
import { type Machine, Machines } from './machines.ts';
import { concludeRecipients, type SpoolRow } from './recipients.ts';
import { isUuid } from './rows.ts';
import type { JourneyStep, JourneyView, TranscriptView } from './view.ts';

/**
 * Finds journeys by id, Message-ID or address, and puts their steps in order. Two ids are one
 * journey where the mta recorded the id that the next hop answered with; a header joins nothing.
 */
export interface TraceOptions {
  /** Most journeys of a Message-ID or address, newest first; 10 when not given. */
  readonly limit?: number;
}

/** Ids that one journey may join: a chain of that length is a loop or a forgery. */
const MAX_IDS = 50;
const MAX_STEPS = 2000;

/**
 * @param where logged in as operator: one database, or those of several machines
 * @param key a journey id, a Message-ID with or without angle brackets, or an address
 * @returns newest first; empty when nothing is known
 * @throws what the database throws, or NothingReachable when none of several gives an answer
 */
export async function traceJourney(
  where: pg.Pool | readonly Machine[],
  key: string,
  options: TraceOptions = {},
): Promise<JourneyView[]> {
  const machines = new Machines('query' in where ? [{ name: '', pool: where }] : where);
  const found = await findIds(machines, key.trim(), options.limit ?? 10);
  const views: JourneyView[] = [];
  const seen = new Set<string>();
  for (const id of found) {
    if (seen.has(id)) continue;
    const chain = await joinIds(machines, id);
    for (const each of chain.ids) seen.add(each);
    const view = await collect(machines, chain);
    if (view !== undefined) views.push(view);
  }
  return views;
}

/** The conversations of a journey's sessions, oldest first. */
export async function readTranscripts(
  where: pg.Pool | readonly Machine[],
  view: JourneyView,
): Promise<TranscriptView[]> {
  const machines = new Machines('query' in where ? [{ name: '', pool: where }] : where);
  const sessions = new Set(view.steps.flatMap((step) => step.sessionId ?? []));
  const answers = await machines.ask(({ pool }) =>
    pool.query<TranscriptView>(
      `select at, agent, instance, session_id as "sessionId", text from journey.transcript
        where journey_id = any($1::uuid[]) or session_id = any($2::text[]) order by at limit 200`,
      [plainArray(view.ids), textArray([...sessions])],
    ),
  );
  return answers.flatMap(({ answer }) => answer.rows).toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

async function findIds(machines: Machines, key: string, limit: number): Promise<string[]> {
  if (isUuid(key)) return [key.toLowerCase()];
  const ids = async (sql: string, value: string): Promise<string[]> => {
    const answers = await machines.ask(({ pool }) =>
      pool.query<{ id: string; at: Date }>(sql, [value, limit]),
    );
    const rows = answers.flatMap(({ answer }) => answer.rows);
    rows.sort((a, b) => b.at.getTime() - a.at.getTime());
    return [...new Set(rows.map((row) => row.id))].slice(0, limit);
  };
  const bare = key.startsWith('<') && key.endsWith('>') ? key.slice(1, -1) : key;
  const byMessageId = await ids(
    `select journey_id as id, max(at) as at from journey.event
      where message_id in ($1, '<' || $1 || '>') and journey_id is not null
      group by journey_id order by max(at) desc limit $2`,
    bare,
  );
  if (byMessageId.length > 0) return byMessageId;
  return ids(
    `select journey_id as id, max(at) as at from (
       (select journey_id, at from journey.event where lower(recipient) = lower($1) order by at desc limit 1000)
       union all
       (select journey_id, at from journey.event where lower(sender) = lower($1) order by at desc limit 1000)) found
      where journey_id is not null group by journey_id order by max(at) desc limit $2`,
    bare,
  );
}

interface Chain {
  readonly ids: readonly string[];
  readonly reports: readonly string[];
  readonly parent: string | undefined;
}

/** Follows what the next hop answered, forward and backward, until nothing new is found. */
async function joinIds(machines: Machines, start: string): Promise<Chain> {
  const ids = new Set([start]);
  const reports = new Set<string>();
  let parent: string | undefined;
  let fresh = [start];
  while (fresh.length > 0 && ids.size < MAX_IDS) {
    const names = [plainArray(fresh), textArray(fresh)];
    const answers = await machines.ask(({ pool }) =>
      pool.query<{ from: string; to: string; kind: Kind }>(
        `select distinct journey_id as from, lower(next_id) as to, kind from journey.event
        where journey_id = any($1::uuid[]) and next_id is not null
       union
       select distinct journey_id, lower(next_id), kind from journey.event
        where next_id = any($2::text[]) and journey_id is not null
        limit 500`,
        names,
      ),
    );
    fresh = [];
    for (const edge of answers.flatMap(({ answer }) => answer.rows)) {
      // A report is a message of its own: named, not walked into.
      if (edge.kind === 'dsn.sent') {
        if (ids.has(edge.from)) reports.add(edge.to);
        else if (ids.has(edge.to)) parent = edge.from;
        continue;
      }
      for (const id of [edge.from, edge.to]) {
        if (ids.has(id) || !isUuid(id) || ids.size >= MAX_IDS) continue;
        ids.add(id);
        fresh.push(id);
      }
    }
  }
  return { ids: [...ids], reports: [...reports].filter(isUuid), parent };
}

async function collect(machines: Machines, chain: Chain): Promise<JourneyView | undefined> {
  const steps = await readSteps(machines, chain.ids);
  const spools = await machines.ask(({ pool }) => readSpool(pool, chain.ids));
  const facts = spools.map(({ answer }) => answer);
  const messages = facts.flatMap((one) => one?.messages ?? []);
  const known = new Set([...steps.map((step) => step.journeyId), ...messages.map((each) => each.id)]);
  if (known.size === 0) return undefined;
  const sender = steps.find((step) => step.sender !== undefined)?.sender ?? messages[0]?.returnPath;
  const messageId = steps.find((step) => step.messageId !== undefined)?.messageId;
  const parent = chain.parent ?? messages.find((each) => each.parentId !== null)?.parentId;
  const ids = [...known];
  return {
    ids,
    ...(sender === undefined ? {} : { sender }),
    ...(messageId === undefined ? {} : { messageId }),
    steps,
    recipients: concludeRecipients(
      ids,
      steps,
      facts.flatMap((one) => one?.recipients ?? []),
    ),
    reports: [...new Set([...chain.reports, ...facts.flatMap((one) => one?.reports ?? [])])],
    ...(parent === undefined || parent === null ? {} : { parent }),
    spoolSeen: facts.every((one) => one !== undefined),
    ...(machines.unreachable.length === 0 ? {} : { unreachable: machines.unreachable }),
  };
}

async function readSteps(machines: Machines, ids: readonly string[]): Promise<JourneyStep[]> {
  const answers = await machines.ask(({ pool }) => readStepsOf(pool, ids));
  if (!machines.several) return answers[0]?.answer ?? [];
  // The sort keeps each machine's own order where clocks say the same.
  return answers
    .flatMap(({ machine, answer }) => answer.map((step) => ({ ...step, machine: machine.name })))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

async function readStepsOf(pool: pg.Pool, ids: readonly string[]): Promise<JourneyStep[]> {
  const { rows } = await pool.query<Record<string, unknown> & { at: Date; seq: string }>(
    `select at, seq, agent, instance, journey_id as "journeyId", kind, status, summary, session_id as "sessionId",
            recipient, sender, message_id as "messageId", code, enhanced, peer_host as "peerHost",
            peer_address as "peerAddress", tls, next_id as "nextId", took_ms as "tookMs", data
       from journey.event where journey_id = any($1::uuid[]) order by at, agent, instance, seq limit $2`,
    [plainArray(ids), MAX_STEPS],
  );
  const steps: JourneyStep[] = [];
  const names = new Set<string>();
  for (const { seq, ...row } of rows) {
    // A batch whose answer was lost was written again.
    const name = `${String(row['agent'])} ${String(row['instance'])} ${seq} ${row.at.getTime()}`;
    if (names.has(name)) continue;
    names.add(name);
    const step = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
    steps.push(step as unknown as JourneyStep);
  }
  return steps;
}

interface SpoolFacts {
  readonly messages: readonly { id: string; returnPath: string; parentId: string | null }[];
  readonly recipients: readonly SpoolRow[];
  readonly reports: readonly string[];
}

/** Who has it, by the spool's own rows; undefined where this login may not see them. */
async function readSpool(pool: pg.Pool, ids: readonly string[]): Promise<SpoolFacts | undefined> {
  try {
    const messages = await pool.query<SpoolFacts['messages'][number]>(
      `select spool_id as id, return_path as "returnPath", parent_id as "parentId" from spool.msg
        where spool_id = any($1::uuid[])`,
      [plainArray(ids)],
    );
    const recipients = await pool.query<SpoolRow>(
      `select spool_id as "journeyId", address, state, attempts, next_at as "nextAt", last_code as code,
              last_text as text, last_peer as peer
         from spool.rcpt where spool_id = any($1::uuid[]) order by spool_id, rcpt_no limit 2000`,
      [plainArray(ids)],
    );
    const reports = await pool.query<{ id: string }>(
      'select spool_id as id from spool.msg where parent_id = any($1::uuid[]) and origin = 3 limit 200',
      [plainArray(ids)],
    );
    return {
      messages: messages.rows,
      recipients: recipients.rows,
      reports: reports.rows.map((row) => row.id),
    };
  } catch (error) {
    // SQLSTATE: no such schema or table, or no right to it.
    const { code } = error as { code?: unknown };
    if (code === '3F000' || code === '42P01' || code === '42501') return undefined;
    throw error;
  }
}
