import type { Auth, ForwardSender } from '@waybill/auth-client';
import type { Blobstore } from '@waybill/blobstore';
import { type Lab, Resolver } from '@waybill/dns';
import type { OpenOptions, TlsCredentials } from '@waybill/smtp/client';
import type { Kicker, SpoolWork } from '@waybill/spool';
import { attempt } from '../deliver/attempt.ts';
import { BodyBudget } from '../deliver/body-budget.ts';
import { AgentSender } from '../deliver/over-agents.ts';
import { LmtpSender } from '../deliver/over-lmtp.ts';
import { SmtpSender } from '../deliver/over-smtp.ts';
import type { Events } from '../events.ts';
import { ReturnPaths } from '../forward/return-path.ts';
import { Closing } from '../return/closing.ts';
import type { Relay } from '../route/relay.ts';
import { routeOf } from '../route/route.ts';
import { Signer } from '../sign/signer.ts';
import type { SigningKeys } from '../sign/signing-keys.ts';
import { Leases } from './leases.ts';
import { Runner } from './runner.ts';

/** What mta is made of, without the process around it: the stores and neighbours may be stand-ins. */
export interface AgentOptions {
  readonly spool: SpoolWork;
  readonly blobs: Pick<Blobstore, 'get'>;
  readonly kicker: Pick<Kicker, 'kick'>;
  readonly auth: Pick<Auth, 'route' | 'resolve'> & ForwardSender;
  readonly keys: Pick<SigningKeys, 'of'>;
  readonly resolver: Resolver;
  readonly lab: Lab;
  readonly events: Events;
  readonly relay: Relay | undefined;
  /** The name that we say. */
  readonly hostname: string;
  readonly owner: string;
  readonly mda: string;
  readonly mdaConnections: number;
  /** Undefined speaks to mda in clear. */
  readonly credentials: (() => TlsCredentials) | undefined;
  /** As credentials, with the authorities of other machines' agents; those when not given. */
  readonly hopCredentials?: () => TlsCredentials;
  readonly localInFlight: number;
  readonly remoteInFlight: number;
  readonly destinations: number;
  readonly schedule: readonly number[];
  readonly reportFullBytes: number;
  readonly timeouts?: OpenOptions['timeouts'];
}

/** Octets of large bodies in memory. */
const BODIES = 256 * 1024 * 1024;

/** Runs destinations; disposing waits for what is in hand. */
export class Agent implements AsyncDisposable {
  readonly runner: Runner;
  readonly lmtp: LmtpSender;
  readonly agents: AgentSender;
  readonly leases: Leases;
  readonly #smtp: SmtpSender;

  constructor(options: AgentOptions) {
    const { events, spool, hostname, auth, blobs, schedule } = options;
    this.leases = new Leases(spool, (error) => events.trouble('renewing leases', error));
    this.lmtp = new LmtpSender({
      helloName: hostname,
      mda: options.mda,
      connections: options.mdaConnections,
      credentials: options.credentials,
    });
    this.agents = new AgentSender({
      helloName: hostname,
      connections: options.remoteInFlight,
      credentials: options.hopCredentials ?? options.credentials,
    });
    this.#smtp = new SmtpSender({
      helloName: hostname,
      lab: options.lab,
      ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    });
    const { kicker, reportFullBytes } = options;
    const routing = {
      auth,
      resolver: options.resolver,
      relay: options.relay,
      ownNames: [hostname.toLowerCase()],
    };
    const attempts = {
      blobs,
      budget: new BodyBudget(BODIES),
      leases: this.leases,
      lmtp: this.lmtp,
      smtp: this.#smtp,
      agents: this.agents,
      signer: new Signer({ keys: options.keys, events }),
      returnPaths: new ReturnPaths({ auth }),
      closing: new Closing({ spool, kicker, auth, blobs, events, hostname, schedule, reportFullBytes }),
      events,
      route: (destination: string) => routeOf(destination, routing),
    };
    this.runner = new Runner({
      spool,
      leases: this.leases,
      events,
      owner: options.owner,
      localInFlight: options.localInFlight,
      remoteInFlight: options.remoteInFlight,
      destinations: options.destinations,
      schedule,
      attempt: (claims) => attempt(claims, attempts),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner.stop();
    this.leases[Symbol.dispose]();
    this.lmtp.close();
    this.agents.close();
    this.#smtp.close();
  }
}
