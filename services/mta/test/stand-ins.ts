/** A spool in memory and neighbours that answer as a test tells them: the conversations are real. */
import { randomUUID } from 'node:crypto';
import type { Resolution, RouteResponse, TryLater } from '@waybill/auth-client';
import { Lab, Resolver } from '@waybill/dns';
import type { Claimed, Failure, Result, SpoolWork } from '@waybill/spool';
import type { Ending, Events } from '../src/events.ts';
import type { Verdict } from '../src/outcome.ts';
import { Agent, type AgentOptions } from '../src/work/agent.ts';

export const MESSAGE = Buffer.from('From: a@red.test\r\nSubject: x\r\n\r\nhello\r\n');

interface Row {
  claim: Claimed;
  state: 'queued' | 'leased' | 'delivered' | 'failed';
  due: boolean;
}

/** Rows that are due until closed; a retry is no longer due. */
export class MemorySpool implements SpoolWork {
  readonly rows: Row[] = [];
  readonly results: Result[] = [];
  readonly failures: Failure[] = [];
  readonly claims: number[] = [];
  /** What renew() answers. */
  held = true;
  released = 0;
  readonly #watchers = new Set<() => void>();

  add(address: string, more: Partial<Claimed> = {}): Claimed {
    const claim: Claimed = {
      spoolId: randomUUID(),
      rcptNo: this.rows.length,
      deliveryId: randomUUID(),
      address,
      orcpt: null,
      notify: 0,
      destination: address.slice(address.lastIndexOf('@') + 1),
      accountId: null,
      attempts: 0,
      epoch: 1,
      token: randomUUID(),
      unknownOutcome: false,
      origin: 'msa',
      ours: more.origin !== 'mx',
      returnPath: 'a@red.test',
      envid: null,
      ret: null,
      smtputf8: false,
      hops: 0,
      acceptedAt: new Date(),
      expiresAt: new Date(Date.now() + 86_400_000),
      size: MESSAGE.length,
      body: MESSAGE,
      blobKey: null,
      ...more,
    };
    this.rows.push({ claim, state: 'queued', due: true });
    return claim;
  }

  claim(destination: string, limit: number): Promise<Claimed[]> {
    const due = this.rows.filter(
      (row) => row.due && row.state === 'queued' && row.claim.destination === destination,
    );
    const taken = due.slice(0, limit);
    for (const row of taken) row.state = 'leased';
    this.claims.push(taken.length);
    return Promise.resolve(taken.map((row) => row.claim));
  }

  renew(claims: readonly Claimed[]): Promise<boolean[]> {
    return Promise.resolve(claims.map(() => this.held));
  }

  keep(): Promise<void> {
    return Promise.resolve();
  }

  finish(result: Result): Promise<boolean> {
    this.results.push(result);
    const row = this.#rowOf(result.claim);
    row.state = result.kind === 'delivered' ? 'delivered' : 'queued';
    row.due = false;
    this.#changed();
    return Promise.resolve(true);
  }

  fail(failure: Failure): Promise<boolean> {
    this.failures.push(failure);
    for (const { claim } of failure.claims) this.#rowOf(claim).state = 'failed';
    this.#changed();
    return Promise.resolve(true);
  }

  release(claims: readonly Claimed[]): Promise<void> {
    this.released += claims.length;
    for (const claim of claims) this.#rowOf(claim).state = 'queued';
    this.#changed();
    return Promise.resolve();
  }

  /** Resolves when `test` holds, looked at after every write. */
  until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = (): void => {
        if (!test()) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  #changed(): void {
    for (const watch of this.#watchers) watch();
  }

  #rowOf(claim: Claimed): Row {
    const row = this.rows.find((one) => one.claim === claim);
    if (row === undefined) throw new Error('no such row');
    return row;
  }
}

/** Keeps what it is told. */
export class HeardEvents implements Events {
  readonly endings: { readonly address: string; readonly verdict: Verdict; readonly ending: Ending }[] = [];
  readonly unreportedFor: string[] = [];
  readonly troubles: { readonly what: string; readonly error: unknown }[] = [];
  readonly holds: string[] = [];
  attemptStarts(): void {}
  attemptEnds(claim: Claimed, verdict: Verdict, ending: Ending): void {
    this.endings.push({ address: claim.address, verdict, ending });
  }
  reported(): void {}
  unreported(_claim: Claimed, why: string): void {
    this.unreportedFor.push(why);
  }
  readonly signatures: { readonly spoolId: string; readonly selectors: readonly string[] }[] = [];
  signed(spoolId: string, keys: readonly { readonly selector: string }[]): void {
    this.signatures.push({ spoolId, selectors: keys.map(({ selector }) => selector) });
  }
  passedOn(): void {}
  keyMoved(): void {}
  leaseLost(): void {}
  held(destination: string): void {
    this.holds.push(destination);
  }
  kicked(): void {}
  swept(): void {}
  trouble(what: string, error: unknown): void {
    this.troubles.push({ what, error });
  }
}

export interface World {
  readonly spool: MemorySpool;
  readonly events: HeardEvents;
  readonly agent: Agent;
  readonly kicks: string[];
  readonly routes: Map<string, RouteResponse | TryLater>;
  readonly resolutions: Map<string, Resolution>;
}

/** An mta whose mail hosts are those of `dns`, with `ports` in the place of port 25. */
export function openWorld(
  options: { readonly dns: string; readonly ports?: string } & Partial<AgentOptions>,
): World {
  const spool = new MemorySpool();
  const events = new HeardEvents();
  const kicks: string[] = [];
  const routes = new Map<string, RouteResponse | TryLater>();
  const resolutions = new Map<string, Resolution>();
  const agent = new Agent({
    spool,
    events,
    blobs: { get: () => Promise.reject(new Error('no such body')) },
    kicker: { kick: (destination) => void kicks.push(destination) },
    auth: {
      route: (domain) => Promise.resolve(routes.get(domain) ?? { ours: false, route: 'mx' }),
      resolve: (addresses) =>
        Promise.resolve(addresses.map((one) => resolutions.get(one) ?? { status: 'not-ours' as const })),
      forwardSender: ({ sender }) => Promise.resolve({ sender }),
    },
    keys: { of: () => Promise.resolve([]) },
    resolver: new Resolver({ servers: [options.dns], timeoutMs: 500 }),
    lab: new Lab({ on: true, allow: '127.0.0.0/8', ports: options.ports ?? '' }),
    relay: undefined,
    hostname: 'mta.red.test',
    owner: 'test',
    mda: '127.0.0.1:1',
    mdaConnections: 20,
    credentials: undefined,
    localInFlight: 20,
    remoteInFlight: 20,
    destinations: 100,
    schedule: [300, 600],
    reportFullBytes: 10_000,
    ...options,
  });
  return { spool, events, agent, kicks, routes, resolutions };
}
