import { freePort } from './free-port.ts';

/** The ports of the lab. Each is an offset from a base, so that `--port-base` moves all of them. */
const OFFSETS = {
  mx: 525,
  msa: 587,
  msas: 465,
  imap: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  mta: 526,
  lmtp: 424,
  auth: 100,
  dns: 3300,
} as const;

export type PortName = keyof typeof OFFSETS;
export type Ports = Readonly<Record<PortName, number>>;

/** With the default base mx listens on 2525, IMAP on 2143 and so on. */
export const DEFAULT_PORT_BASE = 2000;

/** The first replicas' ports. Base 0 takes free ones: for tests that run beside each other. */
export async function planPorts(base: number): Promise<Ports> {
  const entries: [string, number][] = [];
  for (const [name, offset] of Object.entries(OFFSETS))
    entries.push([name, base === 0 ? await freePort() : base + offset]);
  return Object.fromEntries(entries) as unknown as Ports;
}
