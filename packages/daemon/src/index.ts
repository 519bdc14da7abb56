/** Being a process: configuration, log, metrics, ops port, signals, drain, exit code. */
export { ConfigError, loadConfig, nearest, settingsTable } from './config.ts';
export { type Family, parseExposition, type Sample } from './exposition.ts';
export type { Log } from './log.ts';
export { type CountedDoor, type CountedPool, Metrics } from './metrics.ts';
export { openOpsServer } from './ops-server.ts';
export { type AgentDefinition, type Context, run, type Service } from './run.ts';
export { agentSchema, DaemonSettings } from './settings.ts';
export { VERSION } from './version.ts';
