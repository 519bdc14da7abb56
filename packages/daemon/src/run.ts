import type { Static, TObject, TProperties } from 'typebox';
import { ConfigError, loadConfig } from './config.ts';
import { openLog, type Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { openOpsServer } from './ops-server.ts';
import { agentSchema, type DaemonSettings } from './settings.ts';
import { VERSION } from './version.ts';
import { filesOf, WatchedFiles } from './watched-files.ts';

/**
 * Being a process: config → log → ops port → start → signal → drain → exit code.
 * It knows nothing of mail.
 */
export interface Context<Settings extends TProperties> {
  readonly config: Static<TObject<Settings & typeof DaemonSettings>>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly instance: string;
  readonly hostname: string;
  /** Called on SIGHUP and when a file of the configuration was replaced: read certificates and lists again. Faults are logged, the old ones stay. */
  onReload(reload: () => void | Promise<void>): void;
  /** Tries until a dependency answers, with growing pauses; an agent is ready once all have answered once. */
  waitFor(what: string, attempt: () => Promise<unknown>): Promise<void>;
  /** Aborts when SIGTERM was received: stop taking new work soon. */
  readonly stopping: AbortSignal;
}

/** What start() opens. Disposing drains: 421 or BYE at a boundary, finish what is in hand, close in reverse. */
export type Service = AsyncDisposable;

export interface AgentDefinition<Settings extends TProperties> {
  readonly name: string;
  readonly settings: Settings;
  readonly start: (context: Context<Settings>) => Promise<Service>;
}

/** Runs an agent until SIGTERM or SIGINT; a second signal ends it at once. Sets the exit code, never throws. */
export async function run<Settings extends TProperties>(
  definition: AgentDefinition<Settings>,
): Promise<void> {
  const schema = agentSchema(definition.settings);
  let config: Static<TObject<Settings & typeof DaemonSettings>>;
  try {
    config = loadConfig(schema) as typeof config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`waybill ${definition.name}: ${error.message}\n`);
    process.exitCode = 2;
    return;
  }
  const base = config as Static<TObject<typeof DaemonSettings>>;
  const { log, flush } = openLog(definition.name, base.WAYBILL_INSTANCE, base.WAYBILL_LOG_LEVEL);
  const metrics = new Metrics(definition.name);
  const stop = new AbortController();
  const reloads: (() => void | Promise<void>)[] = [];
  let ready = false;
  metrics.buildInfo(VERSION, base.WAYBILL_INSTANCE);
  metrics.gauge('ready', '1 when work may be sent here, as /readyz says', () =>
    ready && !stop.signal.aborted ? 1 : 0,
  );
  metrics.gauge('draining', '1 after SIGTERM', () => (stop.signal.aborted ? 1 : 0));
  const reloaded = metrics.counter('reloads', 'Parts that read their files again, by outcome', ['result']);

  guard(log, metrics, () => stop.abort());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      log.info({ signal }, 'stopping');
      stop.abort();
    });
  }
  const reload = async (part: () => void | Promise<void>): Promise<boolean> => {
    try {
      await part();
      reloaded.inc({ result: 'ok' });
      return true;
    } catch (error) {
      reloaded.inc({ result: 'failed' });
      log.error({ err: error }, 'reload failed, the old settings stay');
      return false;
    }
  };
  const reloadAll = async (): Promise<boolean> => (await Promise.all(reloads.map(reload))).every(Boolean);
  process.on('SIGHUP', () => void reloadAll());
  using files = new WatchedFiles(filesOf(config));
  if (base.WAYBILL_EXIT_WITH_PARENT)
    process.stdin
      .resume()
      .on('close', () => process.exit(1))
      .on('error', () => process.exit(1));

  const context: Context<Settings> = {
    config,
    log,
    metrics,
    instance: base.WAYBILL_INSTANCE,
    hostname: base.WAYBILL_HOSTNAME,
    onReload: (reload) => reloads.push(reload),
    waitFor: (what, attempt) => waitFor(what, attempt, log, stop.signal),
    stopping: stop.signal,
  };
  try {
    await using _ops = await openOpsServer(
      base.WAYBILL_OPS_HOST,
      base.WAYBILL_OPS_PORT,
      { ready: () => ready && !stop.signal.aborted },
      metrics,
    );
    const service = await definition.start(context);
    if (base.WAYBILL_RELOAD_SECONDS > 0)
      files.watch(base.WAYBILL_RELOAD_SECONDS * 1000, () => {
        log.info('certificate files were replaced');
        return reloadAll();
      });
    ready = true;
    log.info('ready');
    if (!stop.signal.aborted)
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
    await pause(base.WAYBILL_DRAIN_SECONDS * 1000);
    const deadline = setTimeout(() => {
      log.error('what was in hand did not end within WAYBILL_DRAIN_DEADLINE_SECONDS');
      void flush().finally(() => process.exit(1));
    }, base.WAYBILL_DRAIN_DEADLINE_SECONDS * 1000);
    await service[Symbol.asyncDispose]();
    clearTimeout(deadline);
    log.info('stopped');
  } catch (error) {
    if (stop.signal.aborted) log.info('stopped before it was ready');
    else {
      log.fatal({ err: error }, 'cannot start');
      process.exitCode = 1;
    }
  }
  await flush();
  process.exit(process.exitCode ?? 0);
}

/** Errors that nobody handled: those of the network are counted and logged, any other ends the process in order. */
function guard(log: Log, metrics: Metrics, stop: () => void): void {
  const unhandled = metrics.counter('unhandled_errors', 'Errors that no code handled; each is a bug');
  process.on('unhandledRejection', (error) => {
    unhandled.inc();
    log.error({ err: error }, 'unhandled rejection');
  });
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    unhandled.inc();
    log.error({ err: error }, 'uncaught exception');
    if (typeof error.syscall === 'string') return;
    process.exitCode = 1;
    stop();
  });
}

async function waitFor(
  what: string,
  attempt: () => Promise<unknown>,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  stopped.catch(() => undefined);
  // A dependency that does not answer must not hold up the end.
  const onStop = (): void => reject(stopping.reason as Error);
  stopping.addEventListener('abort', onStop, { once: true });
  try {
    for (let delay = 50; ; delay = Math.min(delay * 2, 5000)) {
      stopping.throwIfAborted();
      try {
        await Promise.race([attempt(), stopped]);
        return;
      } catch (error) {
        stopping.throwIfAborted();
        log.warn({ err: error, retryMs: delay }, `waiting for ${what}`);
        await Promise.race([pause(delay), stopped]);
      }
    }
  } finally {
    stopping.removeEventListener('abort', onStop);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
