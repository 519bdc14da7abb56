import { randomBytes } from 'node:crypto';
import type { Ledger } from './ledger-file.ts';
import { type Door, SendError, Sender } from './sender.ts';

/** Paced load: many connections, each a loop of tries; every try has a Message-ID of its own. */
export interface LoadOptions {
  readonly ledger: Ledger;
  /** Connections are spread over the doors in turn. */
  readonly doors: readonly Door[];
  readonly from: string;
  readonly recipients: readonly string[];
  readonly connections: number;
  readonly size: number;
  /** Acknowledged messages wanted. */
  readonly messages: number;
  /** Not faster than `messages` over this many seconds. */
  readonly seconds: number;
  /** Gives up then, whatever was sent. */
  readonly maxSeconds: number;
}

export interface LoadReport {
  readonly acknowledged: number;
  readonly tries: number;
  /** Failed tries by what was said, most frequent first. */
  readonly errors: readonly (readonly [what: string, count: number])[];
  readonly seconds: number;
}

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const began = Date.now();
  const errors = new Map<string, number>();
  const filler = text(options.size);
  let acknowledged = 0;
  let started = 0;
  let underway = 0;
  const due = (): number => Math.ceil(((Date.now() - began) / 1000 / options.seconds) * options.messages);
  const over = (): boolean =>
    acknowledged >= options.messages || Date.now() - began > options.maxSeconds * 1000;

  const loop = async (index: number): Promise<void> => {
    const door = options.doors[index % options.doors.length];
    if (door === undefined) return;
    const sender = new Sender(door, index);
    let failures = 0;
    while (!over()) {
      if (acknowledged + underway >= Math.min(due(), options.messages)) {
        await pause(10);
        continue;
      }
      underway++;
      const id = `<${randomBytes(10).toString('hex')}@ledger.example>`;
      const to = options.recipients[started++ % options.recipients.length] ?? '';
      options.ledger.tried(id, to);
      try {
        await sender.send(options.from, to, compose(id, options.from, to, filler));
        await options.ledger.acknowledge(id);
        acknowledged++;
        failures = 0;
      } catch (error) {
        if (!(error instanceof SendError)) throw error;
        errors.set(error.message, (errors.get(error.message) ?? 0) + 1);
        await pause(Math.min(50 * 2 ** failures++, 1000));
      } finally {
        underway--;
      }
    }
    sender.close();
  };
  await Promise.all(Array.from({ length: options.connections }, (_, index) => loop(index)));
  return {
    acknowledged,
    tries: started,
    errors: [...errors].toSorted((a, b) => b[1] - a[1]),
    seconds: (Date.now() - began) / 1000,
  };
}

function compose(id: string, from: string, to: string, filler: string): string {
  return [
    `From: <${from}>`,
    `To: <${to}>`,
    'Subject: ledger',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${id}`,
    '',
    filler,
  ].join('\r\n');
}

/** Lines of text, about `size` octets. */
function text(size: number): string {
  const line = 'Every acknowledged message is in its mailbox exactly once, whatever dies meanwhile.';
  return Array.from({ length: Math.max(1, Math.floor(size / (line.length + 2))) }, () => line).join('\r\n');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
