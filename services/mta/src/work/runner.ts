import type { Claimed, SpoolWork } from '@waybill/spool';
import type { AttemptResult } from '../deliver/attempt.ts';
import { groups } from '../deliver/envelope.ts';
import type { Events } from '../events.ts';
import type { Leases } from './leases.ts';
import { OWN_TROUBLE } from './schedule.ts';
import { Window } from './window.ts';

export interface RunnerOptions {
  readonly spool: Pick<SpoolWork, 'claim' | 'release'>;
  readonly leases: Leases;
  readonly events: Events;
  /** This process, in the leases. */
  readonly owner: string;
  /** Recipients that one local slot has in hand. */
  readonly localInFlight: number;
  /** Most conversations with one foreign destination. */
  readonly remoteInFlight: number;
  /** Destinations at a time. */
  readonly destinations: number;
  readonly schedule: readonly number[];
  /** One message's recipients of one destination, tried once. */
  readonly attempt: (claims: readonly Claimed[]) => Promise<AttemptResult>;
  /** A destination is left after this time, ms, when others wait for their turn; 60,000 when not given. */
  readonly turnMs?: number;
}

/** Conversations that a foreign destination begins with. */
const FIRST_WINDOW = 2;
/** Recipients claimed at once for a foreign destination: those of one message travel together. */
const REMOTE_CLAIM = 20;
const TURN = 60_000;
/** A kick of local delivery is passed on after this time, ms: busy slots have room for a replica that is new. */
const LOCAL_TURN = 100;
/** Destinations whose behaviour is remembered. */
const MAX_WINDOWS = 10_000;

/** Works on destinations: claims what is due, delivers it, claims more, until nothing is due. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #runs = new Map<string, Run>();
  readonly #windows = new Map<string, Window>();
  readonly #waiting: (() => void)[] = [];
  #stopping = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Destinations in hand. */
  get active(): number {
    return this.#runs.size;
  }

  /**
   * Resolves when nothing of the destination is due any more, its turn is over, or it is left alone. One
   * that is in hand already looks once more; the call then resolves with the run in hand. Never rejects.
   */
  async run(destination: string): Promise<void> {
    const current = this.#runs.get(destination);
    if (current !== undefined) {
      current.lookAgain();
      return current.done;
    }
    const window = this.#windowOf(destination);
    if (this.#stopping || window.heldUntil > performance.now()) return;
    const run = new Run(destination, window, this.#options, {
      stopping: () => this.#stopping,
      othersWait: () => this.#waiting.length > 0,
    });
    this.#runs.set(destination, run);
    // Our own mailboxes never wait for strangers.
    const local = destination.startsWith('local/');
    run.done = this.#inTurn(local, run).finally(() => {
      this.#runs.delete(destination);
      if (window.isFresh && window.size <= FIRST_WINDOW) this.#windows.delete(destination);
    });
    return run.done;
  }

  /** As run(), but resolves when the turn is over although the destination is still in hand: for who lends a slot. */
  async turn(destination: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const ms = destination.startsWith('local/') ? LOCAL_TURN : (this.#options.turnMs ?? TURN);
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([this.run(destination), over]);
    clearTimeout(timer);
  }

  /** Claims nothing more and waits for what is in hand. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const go of this.#waiting.splice(0)) go();
    await Promise.all([...this.#runs.values()].map((run) => run.done));
  }

  #strangers = 0;

  async #inTurn(local: boolean, run: Run): Promise<void> {
    if (local) return run.work();
    if (this.#strangers >= this.#options.destinations)
      await new Promise<void>((go) => this.#waiting.push(go));
    this.#strangers++;
    try {
      await run.work();
    } finally {
      this.#strangers--;
      this.#waiting.shift()?.();
    }
  }

  #windowOf(destination: string): Window {
    const known = this.#windows.get(destination);
    if (known !== undefined) return known;
    const { localInFlight, remoteInFlight, schedule } = this.#options;
    const window = destination.startsWith('local/')
      ? new Window(localInFlight, localInFlight, OWN_TROUBLE.slice(0, 3))
      : new Window(FIRST_WINDOW, remoteInFlight, schedule);
    if (this.#windows.size >= MAX_WINDOWS)
      for (const oldest of this.#windows.keys()) {
        this.#windows.delete(oldest);
        break;
      }
    this.#windows.set(destination, window);
    return window;
  }
}

/** One destination's turn. */
class Run {
  readonly #destination: string;
  readonly #window: Window;
  readonly #options: RunnerOptions;
  readonly #around: { readonly stopping: () => boolean; readonly othersWait: () => boolean };
  readonly #local: boolean;
  readonly #pending: Claimed[][] = [];
  #conversations = 0;
  #recipients = 0;
  #wake: (() => void) | undefined;
  /** Somebody said that there is more. */
  #again = true;
  done: Promise<void> = Promise.resolve();

  constructor(
    destination: string,
    window: Window,
    options: RunnerOptions,
    around: { readonly stopping: () => boolean; readonly othersWait: () => boolean },
  ) {
    this.#destination = destination;
    this.#window = window;
    this.#options = options;
    this.#around = around;
    this.#local = destination.startsWith('local/');
  }

  lookAgain(): void {
    this.#again = true;
    this.#wake?.();
  }

  async work(): Promise<void> {
    const endsAt = performance.now() + (this.#options.turnMs ?? TURN);
    for (;;) {
      if (this.#mayClaim(endsAt)) {
        const room = this.#room();
        if (room > 0 && this.#again) {
          await this.#claim(room);
          continue;
        }
      } else await this.#giveBack();
      if (this.#conversations === 0) {
        if (this.#pending.length === 0 && (!this.#again || !this.#mayClaim(endsAt))) return;
        if (this.#pending.length > 0) this.#begin();
        continue;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #mayClaim(endsAt: number): boolean {
    const now = performance.now();
    if (this.#around.stopping() || this.#window.heldUntil > now) return false;
    return now < endsAt || this.#local || !this.#around.othersWait();
  }

  /** Recipients to claim now: when half of what may be in hand is free, so that claims stay batches. */
  #room(): number {
    if (this.#local) {
      const free = this.#options.localInFlight - this.#recipients;
      return free * 2 >= this.#options.localInFlight ? free : 0;
    }
    return this.#pending.length === 0 && this.#conversations * 2 <= this.#window.size ? REMOTE_CLAIM : 0;
  }

  async #claim(room: number): Promise<void> {
    this.#again = false;
    let claims: Claimed[];
    try {
      claims = await this.#options.spool.claim(this.#destination, room, this.#options.owner);
    } catch (error) {
      // The reconciler comes back to what is due.
      this.#options.events.trouble('claim', error);
      return;
    }
    if (claims.length === 0) return;
    if (claims.length >= room) this.#again = true;
    this.#recipients += claims.length;
    this.#options.leases.hold(claims);
    this.#pending.push(...groups(claims));
    this.#begin();
  }

  #begin(): void {
    const most = this.#local ? Number.POSITIVE_INFINITY : this.#window.size;
    while (this.#conversations < most) {
      const group = this.#pending.shift();
      if (group === undefined) return;
      this.#conversations++;
      this.#options.attempt(group).then(
        (result) => this.#ended(group, result),
        (error: unknown) => {
          this.#options.events.trouble('closing an attempt', error);
          this.#ended(group, undefined);
        },
      );
    }
  }

  #ended(group: readonly Claimed[], result: AttemptResult | undefined): void {
    this.#options.leases.drop(group);
    this.#conversations--;
    this.#recipients -= group.length;
    if (result === 'well') this.#window.wentWell();
    else if (result === 'trouble') {
      const held = this.#window.hadTrouble(this.#conversations);
      if (held > 0) this.#options.events.held(this.#destination, held);
    }
    if (this.#window.heldUntil <= performance.now()) this.#begin();
    this.#wake?.();
  }

  /** What was claimed but not begun is due again at once, for whoever takes it; no attempt is counted. */
  async #giveBack(): Promise<void> {
    const claims = this.#pending.splice(0).flat();
    if (claims.length === 0) return;
    this.#recipients -= claims.length;
    this.#options.leases.drop(claims);
    try {
      await this.#options.spool.release(claims);
    } catch (error) {
      this.#options.events.trouble('giving back', error);
    }
  }
}
