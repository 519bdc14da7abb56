import fs from 'node:fs';
import path from 'node:path';
import { ClientTrouble, type TroubleEvent } from './client-trouble.ts';

/**
 * What a client leaves in the folder that it shares with whoever started it: its troubles and, once a
 * second, how far it is, one JSON object a line each.
 */
export class ClientFile {
  readonly #name: string;
  readonly #troubles: number;
  readonly #progress: number;

  constructor(folder: string, name: string) {
    this.#name = name;
    this.#troubles = fs.openSync(path.join(folder, `${name}.troubles.jsonl`), 'a');
    this.#progress = fs.openSync(path.join(folder, `${name}.progress.jsonl`), 'a');
  }

  /** Writes a trouble down. @throws what is none */
  trouble(error: unknown, session: string, inFlight: number): void {
    if (!(error instanceof ClientTrouble)) throw error;
    const event: TroubleEvent = {
      at: error.at,
      client: this.#name,
      kind: error.kind,
      moment: error.moment,
      said: error.message.slice(0, 300),
      session,
      inFlight,
    };
    fs.writeSync(this.#troubles, `${JSON.stringify(event)}\n`);
  }

  progress(counts: Readonly<Record<string, number>>): void {
    fs.writeSync(this.#progress, `${JSON.stringify({ at: Date.now(), ...counts })}\n`);
  }
}

/** Aborted by SIGTERM or SIGINT: finish what is in hand, then end. */
export function askedToStop(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(ms: number, until: AbortSignal): Promise<void> {
  if (ms <= 0 || until.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      until.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    until.addEventListener('abort', over);
  });
}
