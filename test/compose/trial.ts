import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SmtpDoor } from './client/smtp-session.ts';
import { Project } from './project.ts';
import { mustRun, progressOf, startClient, stopClient } from './trial-clients.ts';
import type { Step } from './verdict.ts';

/**
 * A whole deployment under load: a compose project of its own with accounts, two senders with fixed
 * addresses (one on IPv4, one on IPv6), readers, and a sampler of every replica's counters. What is
 * done to it is the caller's, step by step; the clients go on until `finish`.
 */
export interface TrialOptions {
  readonly name: string;
  readonly accounts: number;
  /** Messages per second, of both senders together. */
  readonly rate: number;
  readonly idle: number;
  /** New IMAP sessions per second. */
  readonly logins: number;
  /** Third octet of the trial's own network, 10.97.N.0/24 and fd97:N::/64: two trials at a time differ in it. */
  readonly net: number;
  /** `name:tag` of an image that is there already; without it one is built from this tree. */
  readonly image?: string | undefined;
  /** Replicas that stand at the start, by the setting's name (`MX_REPLICAS`). */
  readonly env?: Readonly<Record<string, string>>;
}

export interface User {
  readonly address: string;
  readonly password: string;
}

/** The addresses that the senders connect from, by the sender's name. */
export type SenderAddresses = ReadonlyMap<string, string>;

export const AGENTS = ['auth', 'mda', 'mra', 'msa', 'mta', 'mx'] as const;
export const SENDERS = ['send4', 'send6'] as const;
const READER = 'read';
export const SAMPLER = 'sample';
const HOST_NAME = 'mail.ledger.test';

export class Trial {
  readonly project: Project;
  readonly folder: string;
  readonly options: TrialOptions;
  readonly steps: Step[] = [];
  users: readonly User[] = [];
  ca = '';

  private constructor(options: TrialOptions) {
    this.options = options;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), `waybill-${options.name}-`));
    this.project = new Project({
      name: options.name,
      files: ['test/compose/compose.trial.yml'],
      env: {
        ...portsFrom(20_000 + options.net * 20),
        MAIL_HOSTNAME: HOST_NAME,
        ...imageOf(options.image),
        TRIAL_SUBNET_IPV4: `10.97.${options.net}.0/24`,
        TRIAL_SUBNET_IPV6: `fd97:${options.net}::/64`,
        ...options.env,
      },
    });
  }

  /** Brings the project up, makes the accounts and starts the clients; all of them have sent or read when it resolves. */
  static async begin(options: TrialOptions): Promise<Trial> {
    const trial = new Trial(options);
    try {
      await trial.#up();
      await trial.#makeAccounts();
      const from = Date.now();
      await trial.#startClients();
      trial.steps.push({ name: 'the clients arrive', from, to: Date.now() });
      return trial;
    } catch (error) {
      console.error(await trial.project.compose(['logs', '--no-color', '--tail=5']).catch(String));
      await trial.end();
      throw error;
    }
  }

  get addresses(): SenderAddresses {
    return new Map([
      ['send4', `10.97.${this.options.net}.44`],
      ['send6', `fd97:${this.options.net}::66`],
    ]);
  }

  get imaps(): { host: string; port: number; ca: string; servername: string } {
    return {
      host: '127.0.0.1',
      port: 20_000 + this.options.net * 20 + 4,
      ca: this.ca,
      servername: HOST_NAME,
    };
  }

  /** Does something to the deployment, then lets the load go on for `holdMs` more. */
  async step(name: string, act: () => Promise<unknown>, holdMs: number): Promise<Step> {
    const from = Date.now();
    say(name);
    await act();
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    await mustRun(this.project.name, [...SENDERS, READER, SAMPLER]);
    const step = { name, from, to: Date.now() };
    this.steps.push(step);
    const { acknowledged, idling } = this.counts();
    say(
      `  ${((step.to - from) / 1000).toFixed(1)} s, ${acknowledged} acknowledged so far, ${idling} sessions idle`,
    );
    return step;
  }

  counts(): { acknowledged: number; tries: number; idling: number; visits: number; heard: number } {
    const last = (name: string): Readonly<Record<string, number>> =>
      progressOf(this.folder, name).at(-1) ?? {};
    const senders = SENDERS.map(last);
    const reader = last(READER);
    return {
      acknowledged: senders.reduce((sum, one) => sum + (one['acknowledged'] ?? 0), 0),
      tries: senders.reduce((sum, one) => sum + (one['tries'] ?? 0), 0),
      idling: reader['idling'] ?? 0,
      visits: reader['visits'] ?? 0,
      heard: reader['heard'] ?? 0,
    };
  }

  /** Waits until the senders have this many acknowledged; gives up when nothing moves for two minutes. */
  async untilAcknowledged(wanted: number): Promise<void> {
    let seen = -1;
    let movedAt = Date.now();
    for (;;) {
      const { acknowledged } = this.counts();
      if (acknowledged >= wanted) return;
      if (acknowledged > seen) movedAt = Date.now();
      if (Date.now() - movedAt > 120_000)
        throw new Error(`the senders stand still at ${acknowledged} of ${wanted}`);
      seen = acknowledged;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  /**
   * Resolves when all is well: from now on each sender has had a new message acknowledged, all readers
   * idle, and one has come and gone. @throws Error when that takes longer than `maxMs`
   */
  async allWell(maxMs: number): Promise<void> {
    const before = this.counts();
    const sent = SENDERS.map((name) => progressOf(this.folder, name).at(-1)?.['acknowledged'] ?? 0);
    const began = Date.now();
    for (;;) {
      const now = this.counts();
      const flowing = SENDERS.every(
        (name, index) => (progressOf(this.folder, name).at(-1)?.['acknowledged'] ?? 0) > (sent[index] ?? 0),
      );
      if (flowing && now.idling === this.options.idle && now.visits > before.visits) return;
      if (Date.now() - began > maxMs)
        throw new Error(`not well again after ${maxMs / 1000} s: ${JSON.stringify(now)}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Stops the clients, each after what it has in hand. */
  async stopClients(): Promise<void> {
    await Promise.all([...SENDERS, READER, SAMPLER].map((name) => stopClient(this.project.name, name)));
  }

  /** Resolves when the spool holds nothing that is not finished; answers how many seconds that took. */
  async empty(maxSeconds: number): Promise<number> {
    const began = Date.now();
    for (;;) {
      const open = Number(await this.project.tool(['queue', 'count']));
      const seconds = (Date.now() - began) / 1000;
      if (open === 0) return seconds;
      if (seconds > maxSeconds) throw new Error(`${open} recipients are still open after ${maxSeconds} s`);
    }
  }

  /** Takes everything away again but the trial's folder. */
  async end(): Promise<void> {
    await this.project.remove();
  }

  async #up(): Promise<void> {
    say(`project ${this.project.name}, files in ${this.folder}`);
    if (this.options.image === undefined) await this.project.compose(['build', '--quiet', 'secrets']);
    const began = Date.now();
    await this.project.compose(['up', '-d', '--wait']);
    say(`up after ${((Date.now() - began) / 1000).toFixed(1)} s`);
    this.ca = await this.project.compose([
      'run',
      '--rm',
      '-T',
      '--entrypoint',
      'cat',
      'waybill',
      '/run/waybill/ca.pem',
    ]);
  }

  async #makeAccounts(): Promise<void> {
    await this.project.tool(['domain', 'add', 'ledger.test']);
    const users: User[] = [];
    for (let i = 1; i <= this.options.accounts; i++) {
      const user = { address: `l${i}@ledger.test`, password: randomBytes(12).toString('hex') };
      await this.project.tool(['user', 'add', user.address, '--password-stdin'], user.password);
      users.push(user);
    }
    this.users = users;
    say(`${users.length} accounts`);
  }

  async #startClients(): Promise<void> {
    const { folder, options, users, ca } = this;
    const project = this.project.name;
    const [writer] = users;
    if (writer === undefined) throw new RangeError('a trial needs an account');
    const secure = { ca, servername: HOST_NAME };
    const auth = { username: writer.address, password: writer.password };
    const doors = (family: 4 | 6): SmtpDoor[] => [
      { host: 'edge', port: EDGE.smtp, family, security: 'clear', ...secure },
      { host: 'edge', port: EDGE.submission, family, security: 'starttls', ...secure, auth },
      { host: 'edge', port: EDGE.smtp, family, security: 'clear', ...secure },
      { host: 'edge', port: EDGE.submissions, family, security: 'tls', ...secure, auth },
    ];
    const edge = { project, folder, network: `${project}_edge` };
    const sending = {
      from: writer.address,
      recipients: users.map((user) => user.address),
      rate: options.rate / SENDERS.length,
      connections: 8,
      perConnection: 5,
      size: 2048,
    };
    await startClient(
      'sample',
      { name: SAMPLER, agents: AGENTS },
      { project, folder, network: `${project}_inner` },
    );
    const [ipv4 = '', ipv6 = ''] = [...this.addresses.values()];
    await startClient('send', { ...sending, name: 'send4', doors: doors(4) }, { ...edge, ipv4 });
    await startClient('send', { ...sending, name: 'send6', doors: doors(6) }, { ...edge, ipv6 });
    const door = { host: 'edge', port: EDGE.imaps, family: 4 as const, ...secure };
    await startClient('read', { name: READER, door, users, idle: options.idle, rate: options.logins }, edge);
    const began = Date.now();
    while (
      this.counts().idling < options.idle ||
      SENDERS.some((name) => !(progressOf(folder, name).at(-1)?.['acknowledged'] ?? 0))
    ) {
      if (Date.now() - began > 120_000)
        throw new Error(`the clients did not begin: ${JSON.stringify(this.counts())}`);
      await mustRun(project, [...SENDERS, READER, SAMPLER]);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    say(`${options.idle} sessions idle, both senders send`);
  }
}

/** Ports of the edge within its networks. */
const EDGE = { smtp: 25, submission: 587, submissions: 465, imaps: 993 };

/** The published ports, out of the way of other projects. */
export function portsFrom(base: number): Record<string, string> {
  const names = [
    'SMTP_PORT',
    'SUBMISSION_PORT',
    'SUBMISSIONS_PORT',
    'IMAP_PORT',
    'IMAPS_PORT',
    'POP3_PORT',
    'POP3S_PORT',
  ];
  return Object.fromEntries(names.map((name, index) => [name, String(base + index)]));
}

/** An image of the trial's own, so that a deployment beside it keeps the one it has. */
export function imageOf(image = 'waybill-trial:0.2.0'): Record<string, string> {
  const colon = image.lastIndexOf(':');
  return { WAYBILL_IMAGE: image.slice(0, colon), WAYBILL_VERSION: image.slice(colon + 1) };
}

export function say(text: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${text}`);
}
