import type pg from 'pg';

/** The login roles: one per agent, plus `operator` for the tools. Migrations grant to these names. */
export const AGENT_ROLES = ['msa', 'mx', 'mta', 'mda', 'mra', 'auth', 'operator'] as const;
export type AgentRole = (typeof AGENT_ROLES)[number];

/**
 * Pinned plans: an agent's statements are few and all go by an index. A plan made while a table
 * was still empty would keep reading it from end to end; a JIT compile costs more than any of them.
 */
const PINNED = [
  ['enable_seqscan', 'off'],
  ['enable_sort', 'on'],
  ['jit', 'off'],
  ['plan_cache_mode', 'force_generic_plan'],
  ['statement_timeout', '15s'],
  ['lock_timeout', '2s'],
  ['idle_in_transaction_session_timeout', '30s'],
] as const;

/**
 * Makes the roles that are missing and pins their settings. Passwords are set where `passwords`
 * gives one; without one a role keeps what it has.
 */
export async function ensureRoles(
  client: pg.ClientBase,
  passwords?: (role: AgentRole) => string | undefined,
): Promise<void> {
  for (const role of AGENT_ROLES) {
    const name = `waybill_${role}`;
    await client.query(
      `do $$ begin create role ${name} login; exception when duplicate_object then null; when unique_violation then null; end $$`,
    );
    const password = passwords?.(role);
    if (password !== undefined)
      await client.query(`alter role ${name} password ${client.escapeLiteral(password)}`);
    if (role === 'operator') continue;
    for (const [setting, value] of PINNED)
      await client.query(`alter role ${name} set ${setting} = '${value}'`);
  }
}
