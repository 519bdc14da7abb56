import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import tls from 'node:tls';
import { CertificateAuthority } from '@waybill/certificates';
import { temporaryFolder } from '@waybill/lab';
import { message, TestWorld } from './a-world.ts';

/** An authority renews every certificate while the agents run; nobody sends them a signal. */
const AGENTS = ['auth', 'mda', 'mra', 'msa', 'mta', 'mx'] as const;
type Agent = (typeof AGENTS)[number];

const folder = temporaryFolder();
const authority = await CertificateAuthority.open(path.join(folder, 'certificates'), 'Waybill lab');
const mounted = (agent: Agent, file: string): string => path.join(folder, 'mounted', agent, file);

/** Exchanges all files of an agent at once, as a kubelet does: `file` → `..data/file`, `..data` → a new folder. */
async function mount(agent: Agent, broken = false): Promise<string> {
  const root = path.join(folder, 'mounted', agent);
  fs.mkdirSync(root, { recursive: true });
  const version = fs.mkdtempSync(path.join(root, '..version-'));
  const own = await authority.issue([agent, 'localhost'], ['127.0.0.1']);
  const shown = await authority.issue(['mail.red.test', 'localhost'], ['127.0.0.1']);
  const files: Record<string, string> = {
    'ca.pem': authority.certificate,
    'agent.pem': broken ? 'half a certificate' : own.certificate,
    'agent.key': own.key,
    'tls.crt': broken ? 'half a certificate' : shown.certificate,
    'tls.key': shown.key,
  };
  for (const [name, content] of Object.entries(files)) {
    fs.writeFileSync(path.join(version, name), content);
    if (!fs.existsSync(path.join(root, name))) fs.symlinkSync(`..data/${name}`, path.join(root, name));
  }
  fs.symlinkSync(path.basename(version), path.join(root, '..data_tmp'));
  fs.renameSync(path.join(root, '..data_tmp'), path.join(root, '..data'));
  const seen = agent === 'auth' || agent === 'mda' ? own : shown;
  return new X509Certificate(seen.certificate).serialNumber;
}

function settings(agent: Agent): Record<string, string> {
  const inner = agent === 'auth' || agent === 'mda';
  return {
    WAYBILL_RELOAD_SECONDS: '0.1',
    ...(agent === 'auth'
      ? {}
      : {
          WAYBILL_AGENT_CERT_FILE: mounted(agent, 'agent.pem'),
          WAYBILL_AGENT_KEY_FILE: mounted(agent, 'agent.key'),
        }),
    ...(agent === 'mta'
      ? {}
      : {
          WAYBILL_TLS_CERT_FILE: mounted(agent, inner ? 'agent.pem' : 'tls.crt'),
          WAYBILL_TLS_KEY_FILE: mounted(agent, inner ? 'agent.key' : 'tls.key'),
        }),
  };
}

for (const agent of AGENTS) await mount(agent);
const lines = new EventEmitter();
lines.setMaxListeners(50);
const t = await TestWorld.start({
  dataDir: folder,
  extra: Object.fromEntries(AGENTS.map((agent) => [agent, settings(agent)])),
  onLine: (line) => lines.emit('line', line),
});
after(async () => {
  await t[Symbol.asyncDispose]();
  fs.rmSync(folder, { recursive: true });
});

/** Resolves with the first log line of the agent that says this. */
async function logged(agent: Agent, text: string): Promise<void> {
  for (;;) {
    const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(60_000) })) as [string];
    if (line.startsWith(agent) && line.includes(text)) return;
  }
}

/** The certificate that a door shows now. */
async function shown(port: number): Promise<string> {
  const { certificate, key } = await authority.issue(['operator']);
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.certificate,
    cert: certificate,
    key,
  });
  await once(socket, 'secureConnect');
  const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
  socket.destroy();
  return serial;
}

const reloads = async (agent: Agent): Promise<string> => {
  const [replica] = t.world.replicasOf(agent);
  const text = await (await fetch(`http://127.0.0.1:${replica?.ports['ops']}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('waybill_reloads_total'))
    .join('\n');
};

test('renewed certificates are taken by every agent without a restart, and mail goes on', async () => {
  const pids = t.world.agents.map((agent) => agent.pid);
  const { ports } = t.world;
  const doors: Partial<Record<Agent, number>> = { auth: ports.auth, mra: ports.imaps, msa: ports.msas };
  for (const agent of AGENTS) {
    const noticed = logged(agent, 'certificate files were replaced');
    const serial = await mount(agent);
    await noticed;
    assert.match(await reloads(agent), /result="ok".*\} [1-9]/, agent);
    const port = doors[agent];
    if (port !== undefined) assert.equal(await shown(port), serial, `${agent} shows the old certificate`);
  }
  const text = message({ From: 'alice@red.test', To: 'bob@blue.test', 'Message-ID': '<renewed@red.test>' });
  assert.equal(await t.send(t.submission(t.alice), t.alice.address, t.bob.address, text), undefined);
  const [inbox] = await t.inbox(t.bob, 1);
  assert.match(inbox ?? '', /<renewed@red\.test>/);
  assert.deepEqual(
    t.world.agents.map((agent) => agent.pid),
    pids,
  );
});

test('a renewal that makes no sense is told and the old certificate stays, until one comes that does', async () => {
  const port = t.world.ports.imaps;
  const before = await shown(port);
  const told = logged('mra', 'reload failed');
  await mount('mra', true);
  await told;
  assert.equal(await shown(port), before);
  const noticed = logged('mra', 'certificate files were replaced');
  const serial = await mount('mra');
  await noticed;
  // Whatever it tried before the exchange, it has tried again after it.
  while ((await shown(port)) === before) assert.match(await reloads('mra'), /result="failed".*\} [1-9]/);
  assert.equal(await shown(port), serial);
});
