import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/**
 * Starts a foreign server (Postgres, Redis) so that it cannot outlive this process, not even
 * when this process is killed with SIGKILL: a small shell holds a pipe from us and ends the
 * server when the pipe closes. Works as any user and needs nothing beyond /bin/sh.
 */
const GUARD = `
sig="$1"; shift
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
( cat <&3 >/dev/null; kill -s "$sig" $child; sleep 2; kill -s KILL $child ) 2>/dev/null &
guard=$!
exec 3<&-
wait $child
code=$?
kill $guard 2>/dev/null
exit $code
`;

export interface GuardedOptions {
  /** The signal that makes the server stop at once and safely. */
  readonly signal: 'INT' | 'TERM' | 'QUIT';
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly onOutput?: (text: string) => void;
}

export function spawnGuarded(
  command: string,
  args: readonly string[],
  options: GuardedOptions,
): ChildProcess {
  // A process group of its own: Ctrl-C reaches us, and we stop the server when those that need it have ended.
  const spawnOptions: SpawnOptions = {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    detached: true,
  };
  if (options.uid !== undefined) spawnOptions.uid = options.uid;
  if (options.gid !== undefined) spawnOptions.gid = options.gid;
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', options.signal, command, ...args], spawnOptions);
  child.stdin?.on('error', () => undefined);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => options.onOutput?.(text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => options.onOutput?.(text));
  return child;
}

/** Asks a guarded server to stop by closing its pipe, and waits until it has. */
export async function stopGuarded(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.stdin?.end();
  await gone;
}
