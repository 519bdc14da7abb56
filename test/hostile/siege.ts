/**
 * A real mx under a thousand hostile connections, and a real sender who wants in: how long he waits, how late the
 * event loop is, what the memory does.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { fork } from 'node:child_process';
import type { TestWorld } from '../journeys/a-world.ts';
import type { Damage } from './attackers.ts';

/** Settings of an mx whose attackers are at home in 127.0.0.0/8, as if it were the world. */
export const BESIEGED = { WAYBILL_UNLIMITED_ADDRESSES: '', WAYBILL_LOST_ADDRESS_CONNECTIONS: '0' } as const;
/** The real sender, in a network of his own. */
const SENDER = '127.99.1.1';

export interface SiegeOptions {
  readonly connections: number;
  readonly seconds: number;
  /** How long the heap may take to find its size before the memory is looked at. */
  readonly settleSeconds: number;
  /** All from one address, or each from one of its own (20 to a /24). */
  readonly from: 'one' | 'many';
}

export interface Figures {
  readonly damage: Damage;
  /** Messages that the real sender brought in, and what refused him. */
  readonly sent: number;
  readonly refused: readonly string[];
  /** ms from connecting to the answer to the last dot. */
  readonly slowestMs: number;
  /** His messages per second: alone, and under the attack. */
  readonly paceAlone: number;
  readonly pace: number;
  /** Delay of mx's event loop, 99th percentile, ms: the same sender without attackers, and in the worst window under them. */
  readonly lagBefore: number;
  readonly lag: number;
  readonly lags: readonly number[];
  /** The same of msa, which nobody attacks: how late a loop is on this machine for want of a processor. */
  readonly bystander: number;
  /** Octets: with the sender alone, when all attackers had come and the heap had its size, at the end. */
  readonly rssBefore: number;
  readonly rssFull: number;
  readonly rss: number;
  /** CPU seconds of mx per second of the attack. */
  readonly cpu: number;
  /** CPU ms of mx: for a message of the sender alone, its idling between two included, and for a hostile connection, his messages meanwhile included. */
  readonly cpuPerMessage: number;
  readonly cpuPerConnection: number;
}

/** Windows in which the event loop is looked at, ms. */
const WINDOW_MS = 2500;

export async function besiege(t: TestWorld, options: SiegeOptions): Promise<Figures> {
  const replica = t.world.replicasOf('mx')[0];
  const ops = replica?.ports['ops'] ?? 0;
  const port = replica?.ports['port'] ?? 0;
  const bystander = t.world.replicasOf('msa')[0]?.ports['ops'] ?? 0;
  const sender = new RealSender(port);
  // Alone for a window: the code is warm, and what is measured before is not a cold start.
  await sender.sendFor(WINDOW_MS);
  const warm = await metrics(ops);
  sender.forget();
  await sender.sendFor(WINDOW_MS * 2);
  const before = await metrics(ops);
  const alone = sender.report.sent;
  sender.forget();

  const attackers = fork(new URL('attack.ts', import.meta.url), [
    String(port),
    String(options.connections),
    options.from,
  ]);
  try {
    await once(attackers, 'message');
    const tell = async (): Promise<Damage> => {
      attackers.send('tell');
      return ((await once(attackers, 'message')) as [Damage])[0];
    };
    await sender.sendFor(options.settleSeconds * 1000);
    const full = await metrics(ops);
    const first = await tell();
    const sentBefore = sender.report.sent;
    await metrics(bystander);
    const lags: number[] = [];
    const others: number[] = [];
    let last = full;
    const until = performance.now() + options.seconds * 1000;
    while (performance.now() < until) {
      await sender.sendFor(WINDOW_MS);
      last = await metrics(ops);
      lags.push(last.lag);
      others.push((await metrics(bystander)).lag);
    }
    const damage = await tell();
    const perSecond = (count: number, from: Sample, to: Sample): number => count / ((to.at - from.at) / 1000);
    return {
      damage,
      ...sender.report,
      paceAlone: perSecond(alone, warm, before),
      pace: perSecond(sender.report.sent - sentBefore, full, last),
      lagBefore: before.lag,
      lag: Math.max(...lags),
      lags,
      bystander: Math.max(...others),
      rssBefore: before.rss,
      rssFull: full.rss,
      rss: last.rss,
      cpu: perSecond(last.cpu - full.cpu, full, last),
      cpuPerMessage: ((before.cpu - warm.cpu) * 1000) / alone,
      cpuPerConnection: ((last.cpu - full.cpu) * 1000) / (damage.opened - first.opened),
    };
  } finally {
    attackers.kill();
  }
}

/** Brings one message after the other, each over a connection of its own. */
class RealSender {
  readonly #port: number;
  #sent = 0;
  #slowest = 0;
  readonly #refused: string[] = [];
  #serial = 0;

  constructor(port: number) {
    this.#port = port;
  }

  get report(): Pick<Figures, 'sent' | 'refused' | 'slowestMs'> {
    return { sent: this.#sent, refused: this.#refused, slowestMs: this.#slowest };
  }

  forget(): void {
    this.#sent = this.#slowest = 0;
    this.#refused.length = 0;
  }

  async sendFor(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (performance.now() < until) {
      const began = performance.now();
      const refused = await this.#sendOne();
      this.#slowest = Math.max(this.#slowest, performance.now() - began);
      if (refused === undefined) this.#sent++;
      else this.#refused.push(refused);
      // Not a flood of its own: 300 connections a minute are allowed.
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Undefined when it was taken. */
  async #sendOne(): Promise<string | undefined> {
    const socket = net.connect({ port: this.#port, host: '127.0.0.1', localAddress: SENDER, noDelay: true });
    socket.setEncoding('latin1');
    socket.setTimeout(30_000, () => socket.destroy(new Error('nothing was heard for 30 s')));
    const id = `siege-${process.pid}-${this.#serial++}`;
    const message =
      `From: <stranger@slow.test>\r\nMessage-ID: <${id}@slow.test>\r\n` +
      `Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\nHello.\r\n`;
    const says = [
      ['220', 'EHLO mail.slow.test'],
      ['250', 'MAIL FROM:<stranger@slow.test>'],
      ['250', 'RCPT TO:<bob@blue.test>'],
      ['250', 'DATA'],
      ['354', `${message}.`],
      ['250', undefined],
    ] as const;
    try {
      let text = '';
      for (const [wanted, next] of says) {
        while (!/(?:^|\n)\d{3} [^\n]*\n$/.test(text)) {
          const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [unknown];
          if (typeof chunk !== 'string') return `closed, wanted ${wanted}`;
          text += chunk;
        }
        if (!text.startsWith(wanted)) return text.trimEnd();
        text = '';
        if (next !== undefined) socket.write(`${next}\r\n`);
      }
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      socket.destroy();
    }
  }
}

interface Sample {
  readonly lag: number;
  readonly rss: number;
  readonly cpu: number;
  readonly at: number;
}

/** Reading them begins the next window of the event loop's delay. */
async function metrics(ops: number): Promise<Sample> {
  const text = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
  const value = (name: string): number =>
    Number(new RegExp(String.raw`^waybill_${name}(?:\{[^}]*\})? (\S+)$`, 'm').exec(text)?.[1]);
  return {
    // The histogram's own period is in every value.
    lag: value('nodejs_eventloop_lag_p99_seconds') * 1000,
    rss: value('process_resident_memory_bytes'),
    cpu: value('process_cpu_seconds_total'),
    at: performance.now(),
  };
}

/** For people. */
export function describe(options: SiegeOptions, figures: Figures): string {
  const mb = (octets: number): string => `${(octets / 1e6).toFixed(1)} MB`;
  const { damage } = figures;
  return [
    `${options.connections} hostile connections from ${options.from === 'one' ? 'one address' : 'many addresses'} for ${options.seconds} s:`,
    `  opened ${damage.opened}, cut by mx ${damage.cut}, open at the end ${damage.open}`,
    `  a real sender: ${figures.sent} messages taken, ${figures.refused.length} not, slowest ${figures.slowestMs.toFixed(0)} ms; ${figures.pace.toFixed(1)} a second, alone ${figures.paceAlone.toFixed(1)}`,
    `  event loop p99: ${figures.lagBefore.toFixed(1)} ms before, ${figures.lag.toFixed(1)} ms in the worst window (${figures.lags.map((one) => one.toFixed(1)).join(', ')}); of msa, which nobody attacks, ${figures.bystander.toFixed(1)} ms`,
    `  RSS: ${mb(figures.rssBefore)} before, ${mb(figures.rssFull)} with all of them, ${mb(figures.rss)} at the end`,
    `  CPU of mx: ${(figures.cpu * 100).toFixed(0)} % of a core, ${figures.cpuPerConnection.toFixed(2)} ms for a hostile connection, ${figures.cpuPerMessage.toFixed(2)} for a message without them; load of the machine ${fs.readFileSync('/proc/loadavg', 'latin1').split(' ')[0]}`,
  ].join('\n');
}
