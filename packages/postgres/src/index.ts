/** PostgreSQL for agents: pools that survive it, migrations, login roles, and the natural batcher. */
export { plainArray, storable, textArray } from './arrays.ts';
export { Batcher, type BatcherOptions, isItemFault } from './batcher.ts';
export { checkRevisions, migrate, readMigrations, type SchemaSource } from './migrate.ts';
export { byteaArray, openPool, PostgresSettings, transaction } from './pool.ts';
export { AGENT_ROLES, type AgentRole, ensureRoles } from './roles.ts';
