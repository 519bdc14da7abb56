import os from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';
import type { PortName, Ports } from './port-plan.ts';
import { HOSTS } from './zones.ts';

/** The agents of the lab: which there are, where each replica listens, and its whole environment. */
export const AGENTS = ['auth', 'mda', 'mta', 'mx', 'msa', 'mra'] as const;
export type AgentName = (typeof AGENTS)[number];
export type Replicas = Readonly<Record<AgentName, number>>;

/** What each agent listens on, by the name in lab.json. */
const LISTENS: Readonly<Record<AgentName, Readonly<Record<string, PortName>>>> = {
  auth: { port: 'auth' },
  mda: { port: 'lmtp' },
  mta: { port: 'mta' },
  mx: { port: 'mx' },
  msa: { port: 'msa', tls: 'msas' },
  mra: { imap: 'imap', imaps: 'imaps', pop3: 'pop3', pop3s: 'pop3s' },
};

export interface Replica {
  readonly agent: AgentName;
  /** `mx-1` */
  readonly name: string;
  readonly index: number;
  /** By the names of LISTENS, and `ops`. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Gives every replica its ports: the first of each agent those of the plan, the others free ones. */
export async function planReplicas(ports: Ports, replicas: Replicas): Promise<Replica[]> {
  const all: Replica[] = [];
  for (const agent of AGENTS) {
    for (let index = 0; index < replicas[agent]; index++) {
      const own: Record<string, number> = { ops: await freePort() };
      for (const [name, planned] of Object.entries(LISTENS[agent]))
        own[name] = index === 0 ? ports[planned] : await freePort();
      all.push({ agent, name: `${agent}-${index + 1}`, index, ports: own });
    }
  }
  return all;
}

/** What the environments are made of. */
export interface Surroundings {
  /** Folder with ca.pem, `<agent>.pem|.key` and `public.pem|.key`. */
  readonly certificates: string;
  readonly databaseUrl: (role: string) => string;
  readonly redis: string | null;
  readonly dns: string;
  readonly replicas: readonly Replica[];
  /** Ports of the scripted outside world, by host address. */
  readonly outside: readonly { readonly address: string; readonly port: number }[];
  /** Whether mta has its inner SMTP door open. */
  readonly mtaDoor: boolean;
  /** Seconds between attempts, comma-separated. */
  readonly retrySchedule: string;
  /** Settings on top, for all agents that know them: `{ mta: { … } }`. */
  readonly extra: Readonly<Partial<Record<AgentName, Readonly<Record<string, string>>>>>;
}

/** The whole environment of one replica; nothing of our own environment reaches it but PATH and HOME. */
export function agentEnvironment(replica: Replica, around: Surroundings): NodeJS.ProcessEnv {
  const certificate = (name: string): string => path.join(around.certificates, name);
  const listOf = (agent: AgentName): string =>
    around.replicas
      .filter((one) => one.agent === agent)
      .map((one) => `127.0.0.1:${one.ports['port']}`)
      .join(',');
  const base = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    // Compiled code is kept for the next start: a restart should cost little.
    NODE_COMPILE_CACHE: path.join(os.tmpdir(), 'node-compile-cache'),
    WAYBILL_HOSTNAME: `${replica.agent}.red.test`,
    WAYBILL_INSTANCE: replica.name,
    WAYBILL_OPS_HOST: '127.0.0.1',
    WAYBILL_OPS_PORT: String(replica.ports['ops']),
    WAYBILL_DRAIN_SECONDS: '0',
    WAYBILL_EXIT_WITH_PARENT: 'true',
    WAYBILL_DATABASE_URL: around.databaseUrl(replica.agent),
  };
  const inner = {
    WAYBILL_AUTH: listOf('auth'),
    WAYBILL_AUTH_CA_FILE: certificate('ca.pem'),
    WAYBILL_AGENT_CERT_FILE: certificate(`${replica.agent}.pem`),
    WAYBILL_AGENT_KEY_FILE: certificate(`${replica.agent}.key`),
  };
  const doors = {
    WAYBILL_TLS_CERT_FILE: certificate('public.pem'),
    WAYBILL_TLS_KEY_FILE: certificate('public.key'),
    WAYBILL_LISTEN_HOST: '127.0.0.1',
  };
  // The lab's clients all come from loopback: a limit per address would bind them together.
  const limits = { WAYBILL_UNLIMITED_ADDRESSES: '127.0.0.0/8,::1/128' };
  // Nor are its few accounts people: load is sent from them.
  const sending = {
    WAYBILL_SEND_MESSAGES_HOUR: '0',
    WAYBILL_SEND_MESSAGES_DAY: '0',
    WAYBILL_SEND_RECIPIENTS_HOUR: '0',
    WAYBILL_SEND_RECIPIENTS_DAY: '0',
  };
  const queue = around.redis === null ? {} : { WAYBILL_REDIS_URL: around.redis };
  const own: Record<AgentName, NodeJS.ProcessEnv> = {
    auth: {
      ...sending,
      WAYBILL_LISTEN_HOST: '127.0.0.1',
      WAYBILL_AUTH_PORT: String(replica.ports['port']),
      WAYBILL_TLS_CERT_FILE: certificate('auth.pem'),
      WAYBILL_TLS_KEY_FILE: certificate('auth.key'),
      WAYBILL_TLS_CA_FILE: certificate('ca.pem'),
    },
    mda: {
      ...inner,
      ...limits,
      WAYBILL_LISTEN_HOST: '127.0.0.1',
      WAYBILL_LMTP_PORT: String(replica.ports['port']),
      WAYBILL_TLS_CERT_FILE: certificate('mda.pem'),
      WAYBILL_TLS_KEY_FILE: certificate('mda.key'),
      WAYBILL_TLS_CA_FILE: certificate('ca.pem'),
      ...queue,
    },
    mta: {
      ...inner,
      ...queue,
      WAYBILL_MDA: listOf('mda'),
      WAYBILL_DNS_SERVERS: around.dns,
      WAYBILL_RETRY_SCHEDULE: around.retrySchedule,
      ...(around.mtaDoor
        ? { WAYBILL_LISTEN_HOST: '127.0.0.1', WAYBILL_MTA_PORT: String(replica.ports['port']) }
        : {}),
      WAYBILL_LAB: '1',
      WAYBILL_LAB_ALLOW_ADDRESSES: '127.0.0.0/8',
      WAYBILL_LAB_PORT_MAP: portMap(around),
    },
    mx: {
      ...inner,
      ...limits,
      ...doors,
      ...queue,
      WAYBILL_MX_PORT: String(replica.ports['port']),
      WAYBILL_DNS_SERVERS: around.dns,
    },
    msa: {
      ...inner,
      ...limits,
      ...doors,
      ...queue,
      WAYBILL_MSA_PORT: String(replica.ports['port']),
      WAYBILL_MSA_TLS_PORT: String(replica.ports['tls']),
    },
    mra: {
      ...inner,
      ...limits,
      ...doors,
      ...queue,
      WAYBILL_IMAP_PORT: String(replica.ports['imap']),
      WAYBILL_IMAPS_PORT: String(replica.ports['imaps']),
      WAYBILL_POP3_PORT: String(replica.ports['pop3']),
      WAYBILL_POP3S_PORT: String(replica.ports['pop3s']),
    },
  };
  return { ...base, ...own[replica.agent], ...around.extra[replica.agent] };
}

/** Port 25 of the zones' addresses, on the lab's own ports. */
function portMap(around: Surroundings): string {
  const mx = around.replicas
    .filter((one) => one.agent === 'mx')
    .map((one) => `${HOSTS.mx(one.index)}:25=127.0.0.1:${one.ports['port']}`);
  return [...mx, ...around.outside.map(({ address, port }) => `${address}:25=127.0.0.1:${port}`)].join(',');
}
