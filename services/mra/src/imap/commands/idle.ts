/** IDLE: RFC 2177. Woken by hints, held up by a slow poll; what is told always comes from the change log. */
import { continuation, ok } from '@waybill/imap';
import type { Completion } from '../commands.ts';
import { isOutage } from '../failure.ts';
import { Bad, Bye, Gone } from '../replies.ts';
import type { Session } from '../session.ts';

export async function idle(session: Session): Promise<Completion> {
  await session.tell(true);
  session.output.text(continuation('idling'));
  const watch = new Watch(session);
  let line: Buffer;
  try {
    line = await Promise.race([session.askLine(), watch.ended]);
  } finally {
    await watch.stop();
  }
  if (line.toString('latin1').toUpperCase() !== 'DONE') throw new Bad('IDLE ends with DONE');
  return { text: 'IDLE done' };
}

class Watch {
  readonly #session: Session;
  readonly #unsubscribe: () => void;
  readonly #now: () => number;
  /** Rejects with Bye when the session must end while it idles. */
  readonly ended: Promise<never>;
  #end: (error: Bye) => void = () => undefined;
  #looking: Promise<void> | undefined;
  #dirty = false;
  #stopped = false;
  #lookedAt: number;
  #spokeAt: number;

  constructor(session: Session) {
    this.#session = session;
    this.#now = () => session.connection.now;
    this.#lookedAt = this.#now();
    this.#spokeAt = this.#lookedAt;
    this.ended = new Promise((_resolve, reject) => {
      this.#end = reject;
    });
    this.ended.catch(() => undefined);
    session.onTick = (now) => this.#tick(now);
    session.onFinish = () => this.#end(new Bye('The server is restarting', 'UNAVAILABLE'));
    const view = session.view;
    this.#unsubscribe =
      view === undefined
        ? () => undefined
        : session.around.signal.subscribe(view.mailbox.accountId, () => this.#look());
    // What was committed between the look before the command and the subscription.
    if (view !== undefined) this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#session.onTick = undefined;
    this.#session.onFinish = undefined;
    this.#unsubscribe();
    await this.#looking;
  }

  #tick(now: number): void {
    const { pollMs, keepAliveMs } = this.#session.around.timing;
    if (now - this.#lookedAt >= pollMs) this.#look();
    if (now - this.#spokeAt >= keepAliveMs && !this.#session.output.blocked) {
      this.#spokeAt = now;
      this.#session.output.text(ok(null, 'Still here'));
      this.#session.output.flush();
    }
  }

  /** A wake-up while looking is kept: the look under way may have come too early for it. */
  #look(): void {
    this.#dirty = true;
    if (this.#looking !== undefined || this.#stopped) return;
    this.#looking = this.#lookWhileDirty().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookWhileDirty(): Promise<void> {
    const session = this.#session;
    while (this.#dirty && !this.#stopped) {
      const view = session.view;
      if (view === undefined) return;
      this.#dirty = false;
      this.#lookedAt = this.#now();
      try {
        await view.mailbox.refresh();
        if (view.mailbox.gone) throw new Bye('The selected mailbox was deleted');
        await session.tell(true);
        if (session.output.length > 0) this.#spokeAt = this.#now();
        session.output.flush();
        await session.output.room();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    const { events } = this.#session.around;
    if (error instanceof Gone) return;
    if (error instanceof Bye) this.#end(error);
    // The poll looks again.
    else if (isOutage(error)) events.outage(this.#session.facts, 'IDLE', error);
    else events.bug(this.#session.facts, 'IDLE', error);
  }
}
