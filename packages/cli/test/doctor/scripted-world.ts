import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { CertificateAuthority, startDns, temporaryFolder } from '@waybill/lab';
import { quotedChunks } from '../../src/records/record.ts';

/** A DNS, an auth, an ops port and a /proc that say what a test wants, and the real command that asks them. */

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Result {
  readonly id: string;
  readonly verdict: string;
  readonly means: string;
  readonly fix?: {
    readonly text: string;
    readonly publish: readonly { readonly panel: Readonly<Record<string, unknown>>; readonly zone: string }[];
    readonly remove: readonly { readonly zone: string }[];
  };
  readonly evidence: readonly string[];
  readonly notes: readonly string[];
  readonly next?: string;
}
export interface Report {
  readonly domain: string;
  readonly good: boolean;
  readonly results: readonly Result[];
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const ED_RAW = ed.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
/** The texts that auth holds for every domain, by selector. */
export const KEYS = {
  r1: `v=DKIM1; k=rsa; p=${rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`,
  e1: `v=DKIM1; k=ed25519; p=${ED_RAW}`,
} as const;

export class ScriptedWorld {
  readonly folder = temporaryFolder();
  readonly authority: CertificateAuthority;
  readonly #stack = new AsyncDisposableStack();
  #auth = '';

  private constructor(authority: CertificateAuthority) {
    this.authority = authority;
  }

  static async open(): Promise<ScriptedWorld> {
    const world = new ScriptedWorld(await CertificateAuthority.create('test authority'));
    world.#stack.defer(() => fs.rmSync(world.folder, { recursive: true, force: true }));
    fs.writeFileSync(world.#at('ca.pem'), world.authority.certificate);
    for (const name of ['auth', 'operator']) await world.authority.issueInto(world.folder, name, [name]);
    world.#auth = await world.#startAuth();
    return world;
  }

  use<T extends AsyncDisposable>(resource: T): T {
    return this.#stack.use(resource);
  }

  /** @returns `127.0.0.1:port` */
  async dns(zones: string): Promise<string> {
    return this.use(await startDns({ zones })).address;
  }

  /** The ops port of mx: `127.0.0.1:port`. */
  async ops(lost: 0 | 1): Promise<string> {
    const server = http.createServer((_request, response) =>
      response.end(
        [
          '# TYPE waybill_build_info gauge',
          'waybill_build_info{agent="mx",instance="mx-1",version="0.3.0"} 1',
          '# TYPE waybill_ready gauge',
          'waybill_ready 1',
          '# TYPE waybill_mx_client_address_lost gauge',
          `waybill_mx_client_address_lost ${lost}`,
          '',
        ].join('\n'),
      ),
    );
    return this.#listen(server);
  }

  /** A folder like /proc with one listener on port 25, or none. */
  proc(program?: string): string {
    const folder = path.join(this.folder, `proc-${program ?? 'empty'}`);
    fs.mkdirSync(path.join(folder, 'net'), { recursive: true });
    const row =
      '   0: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1';
    fs.writeFileSync(
      path.join(folder, 'net/tcp'),
      `  sl  local_address …\n${program === undefined ? '' : `${row}\n`}`,
    );
    if (program === undefined) return folder;
    fs.mkdirSync(path.join(folder, '99/fd'), { recursive: true });
    fs.writeFileSync(path.join(folder, '99/comm'), `${program}\n`);
    fs.writeFileSync(path.join(folder, '99/cmdline'), `/usr/sbin/${program}\0-bd\0`);
    fs.symlinkSync('socket:[4711]', path.join(folder, '99/fd/3'));
    return folder;
  }

  /** `hears` is called with each piece of stdout as it comes. */
  async waybill(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    hears: (piece: string) => void = () => undefined,
  ): Promise<Ran> {
    const child = spawn(process.execPath, [main, ...args], {
      env: {
        PATH: process.env['PATH'],
        WAYBILL_AUTH: this.#auth,
        WAYBILL_AUTH_CA_FILE: this.#at('ca.pem'),
        WAYBILL_AGENT_CERT_FILE: this.#at('operator.pem'),
        WAYBILL_AGENT_KEY_FILE: this.#at('operator.key'),
        WAYBILL_LAB: '1',
        WAYBILL_DOCTOR_PROC: this.proc(),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    child.stdout.on('data', (piece) => hears(String(piece)));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await closed) as [number | null];
    return { code, out, err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #at(name: string): string {
    return path.join(this.folder, name);
  }

  /** Knows every domain but those that begin with `stranger`, each with the two keys and a retired one. */
  async #startAuth(): Promise<string> {
    const server = https.createServer(
      {
        ca: this.authority.certificate,
        cert: fs.readFileSync(this.#at('auth.pem')),
        key: fs.readFileSync(this.#at('auth.key')),
        requestCert: true,
      },
      (request, response) => void answer(request, response),
    );
    return this.#listen(server);
  }

  async #listen(server: net.Server): Promise<string> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#stack.defer(() => {
      if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections();
      server.close();
    });
    return `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  }
}

async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const asked = JSON.parse(await text(request)) as { name?: string };
  const say = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.url === '/v1/domains/list')
    return say(200, { domains: [{ name: 'red.test', route: 'local', recipients: 'listed' }] });
  const { name = '' } = asked;
  if (request.url !== '/v1/domains/dkim' || name.startsWith('stranger'))
    return say(404, { error: 'not-found', message: `${name} is not ours` });
  const key = (selector: string, algorithm: string, state: string, record: string): object => ({
    selector,
    algorithm,
    state,
    name: `${selector}._domainkey.${name}`,
    record,
    madeAt: '2026-01-01T00:00:00Z',
  });
  say(200, {
    keys: [
      key('r0', 'rsa-sha256', 'retired', KEYS.r1),
      key('r1', 'rsa-sha256', 'active', KEYS.r1),
      key('e1', 'ed25519-sha256', 'pending', KEYS.e1),
    ],
  });
}

/** What is right, in groups that a mistake takes the place of. Names are relative to the domain. */
export type Groups = Record<
  'host' | 'hostspf' | 'mx' | 'spf' | 'rsa' | 'ed' | 'dmarc' | 'srv' | 'ns' | 'more',
  string
>;

export function goodGroups(domain: string, address: string): Groups {
  return {
    ns: '@ NS ns.red.test.',
    host: `mail A ${address}`,
    hostspf: 'mail TXT "v=spf1 a -all"',
    mx: '@ MX 10 mail',
    spf: `@ TXT "v=spf1 mx ip4:${address} ~all"`,
    rsa: `r1._domainkey TXT ${quotedChunks(KEYS.r1)}`,
    ed: `e1._domainkey TXT ${quotedChunks(KEYS.e1)}`,
    dmarc: `_dmarc TXT "v=DMARC1; p=none; rua=mailto:postmaster@${domain}"`,
    srv: [
      '_submissions._tcp SRV 0 1 465 mail',
      '_submission._tcp SRV 0 1 587 mail',
      '_imaps._tcp SRV 0 1 993 mail',
      '_imap._tcp SRV 0 1 143 mail',
      '_pop3s._tcp SRV 0 1 995 mail',
    ].join('\n'),
    more: '',
  };
}

export function zoneText(domain: string, groups: Groups): string {
  return `zone ${domain}\n${Object.values(groups).join('\n')}\n`;
}

/** A port of 127.0.0.1 at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export function reports(out: string): Map<string, Report> {
  return new Map(
    out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Report)
      .map((report) => [report.domain, report]),
  );
}

/** What is not well, as `MX-2 fix`. */
export function unwell(report: Report): string[] {
  return report.results
    .filter(({ verdict }) => verdict === 'fix' || verdict === 'warn')
    .map(({ id, verdict }) => `${id} ${verdict}`);
}
