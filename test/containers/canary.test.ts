import { needsEngine, suiteImage } from './engine.ts';
needsEngine(import.meta.filename);

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ImapClient } from '@waybill/lab';
import { ClientTrouble } from '../compose/client/client-trouble.ts';
import { SmtpSession } from '../compose/client/smtp-session.ts';
import { Project } from '../compose/project.ts';
import { imageOf, portsFrom } from '../compose/trial.ts';
import { searchImage } from './canary/image-layers.ts';
import { type Needle, needlesOf } from './canary/needles.ts';
import { type Container, searchContainers } from './canary/running.ts';
import { secretsOf } from './canary/secrets-of.ts';

/**
 * No secret leaves its file: a whole deployment is brought up, logged in to and failed to log in to, and
 * then all that its containers and its image show is searched for every secret that it has. Planted
 * secrets show that the search can find them.
 */
const NAME = `waybill-canary-${process.pid}`;
const PORTS = portsFrom(23_000 + (process.pid % 500) * 10);
const RIGHT = `right-${randomBytes(12).toString('hex')}`;
const WRONG = `wrong-${randomBytes(12).toString('hex')}`;
const AGENTS = ['auth', 'mda', 'mta', 'mx', 'msa', 'mra'];
let image = '';
let project: Project;
let needles: readonly Needle[] = [];

before(async () => {
  image = suiteImage();
  project = new Project({ name: NAME, env: { ...PORTS, ...imageOf(image), LOG_LEVEL: 'debug' } });
  await project.compose(['up', '-d', '--wait', '--no-build']);
  await project.tool(['domain', 'add', 'canary.test']);
  await project.tool(['user', 'add', 'ann@canary.test', '--password-stdin'], RIGHT);
  needles = needlesOf([
    ...secretsOf(`${NAME}_secrets`),
    { name: 'password of a login', value: RIGHT },
    { name: 'password of a failed login', value: WRONG },
  ]);
});

after(async () => {
  await project?.remove();
});

test('the deployment has secrets to look for', () => {
  const names = new Set(needles.map((needle) => needle.secret.replace(/,.*/, '')));
  for (const agent of AGENTS) {
    assert.ok(names.has(`/secrets/${agent}/database-url`), `${agent} has a database URL`);
    assert.ok(names.has(`/secrets/${agent}/agent.key`), `${agent} has a key`);
  }
  for (const name of ['postgres/password', 'redis/password', 'public/tls.key', 'authority/ca.key'])
    assert.ok(names.has(`/secrets/${name}`), name);
});

test('after right and wrong logins no secret is in environments, arguments, logs or metrics', async () => {
  await logIn(RIGHT, true);
  await logIn(WRONG, false);
  const containers = await containersOf(project);
  for (const agent of AGENTS)
    assert.ok(
      containers.some((one) => one.name.includes(`-${agent}-`) && one.agent),
      agent,
    );
  assert.deepEqual(searchContainers(containers, needles), []);
});

test('no layer of the image holds a secret, a key, version control, tests or the lab', () => {
  assert.deepEqual(searchImage(image, needles), []);
});

test('a secret in a container’s environment, its arguments or its log is found', async () => {
  const name = `${NAME}-planted`;
  const script =
    "console.log(Buffer.from('user:' + process.env.LEAK).toString('base64')); setInterval(() => {}, 1000)";
  execFileSync('docker', [
    'run',
    '--detach',
    `--name=${name}`,
    `--env=LEAK=${RIGHT}`,
    'node:24-slim',
    'node',
    '-e',
    script,
    WRONG,
  ]);
  try {
    const following = spawn('docker', ['logs', '--follow', name], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(following.stdout, 'data');
    following.kill();
    const planted: Container = { id: name, name: 'planted', agent: false, running: true };
    const found = searchContainers([planted], needles).map(({ where, secret }) => `${where}, ${secret}`);
    assert.deepEqual([...new Set(found)].toSorted(), [
      'planted: arguments, password of a failed login',
      'planted: docker inspect, password of a failed login',
      'planted: docker inspect, password of a login',
      'planted: environment, password of a login',
      'planted: log, password of a login',
    ]);
  } finally {
    execFileSync('docker', ['rm', '--force', name], { stdio: 'ignore' });
  }
});

test('what a layer holds is found, although a later layer removed it', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'waybill-planted-'));
  const tag = `${NAME}:planted`;
  try {
    fs.mkdirSync(path.join(folder, 'planted', '.git'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'planted', 'settings.txt'), `password=${RIGHT}\n`);
    fs.writeFileSync(path.join(folder, 'planted', '.env'), 'A=b\n');
    fs.writeFileSync(path.join(folder, 'planted', '.git', 'config'), '[core]\n');
    fs.writeFileSync(path.join(folder, 'planted', 'tls.key'), '-----BEGIN PRIVATE KEY-----\nabc\n');
    fs.writeFileSync(
      path.join(folder, 'Dockerfile'),
      'FROM node:24-slim\nCOPY planted /waybill\nRUN rm -rf /waybill\n',
    );
    execFileSync('docker', ['build', '--quiet', '--tag', tag, folder], { stdio: 'ignore', timeout: 120_000 });
    const found = searchImage(tag, needles).map(({ secret }) => secret);
    assert.deepEqual([...new Set(found)].toSorted(), [
      'a private key',
      'an environment file',
      'password of a login',
      'version control',
    ]);
  } finally {
    execFileSync('docker', ['image', 'rm', '--force', tag], { stdio: 'ignore' });
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

/** By every door that takes a password. */
async function logIn(password: string, right: boolean): Promise<void> {
  const ca = await project.compose([
    'run',
    '--rm',
    '-T',
    '--entrypoint',
    'cat',
    'waybill',
    '/run/waybill/ca.pem',
  ]);
  const secure = { host: '127.0.0.1', ca, servername: 'localhost' };
  const auth = { username: 'ann@canary.test', password };
  const door = {
    ...secure,
    port: Number(PORTS['SUBMISSIONS_PORT']),
    family: 4 as const,
    security: 'tls' as const,
    auth,
  };
  const opening = SmtpSession.open(door);
  if (right) await (await opening).quit();
  else await assert.rejects(opening, ClientTrouble);
  const reader = await ImapClient.connect({ ...secure, port: Number(PORTS['IMAPS_PORT']) });
  const answer = await reader.command(`LOGIN ${auth.username} ${password}`);
  assert.equal(answer.status, right ? 'OK' : 'NO');
  reader.close();
}

/** Also those that have ended: a one-shot's log stays. */
async function containersOf(of: Project): Promise<Container[]> {
  const lines = (await of.compose(['ps', '--all', '--format', 'json'])).trim().split('\n');
  return lines.map((line) => {
    const { ID, Name, Service, State } = JSON.parse(line) as Record<
      'ID' | 'Name' | 'Service' | 'State',
      string
    >;
    return { id: ID, name: Name, agent: AGENTS.includes(Service), running: State === 'running' };
  });
}
