import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ImapClient } from '@waybill/lab';
import { SmtpSession } from './client/smtp-session.ts';
import { Project, ROOT, run } from './project.ts';
import { imageOf, portsFrom, say } from './trial.ts';

/**
 * Two projects as two machines, each with its own database and authority, and a name server between
 * them (deploy/two-machines):
 *
 *     node test/compose/two-machines.ts [--image waybill:0.2.0] [--keep]
 *
 * A message goes msa (one) → mta (two) → mx (one) → mda (one); its journey is printed, given both
 * databases. Exit code 0 only if the message is there once and its journey names both machines.
 */
const { values } = parseArgs({
  options: { image: { type: 'string' }, keep: { type: 'boolean', default: false } },
});
const PASSWORD = randomBytes(12).toString('hex');
const MACHINES = ['one', 'two'] as const;
type Machine = (typeof MACHINES)[number];
const PORTS: Readonly<Record<Machine, number>> = { one: 21_900, two: 21_920 };

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'waybill-machines-'));
const network = {
  COMPOSE_FILE: path.join(ROOT, 'deploy/two-machines/compose.network.yml'),
  COMPOSE_PROJECT_NAME: 'waybill-between',
};

/** A machine alone, or with what joins it to the other. */
function machine(name: Machine, joined: boolean): Project {
  const other = name === 'one' ? 'two' : 'one';
  return new Project({
    name: `waybill-machine-${name}`,
    files: joined ? [`deploy/two-machines/compose.${name}.yml`] : [],
    env: {
      ...portsFrom(PORTS[name]),
      ...imageOf(values.image),
      MAIL_HOSTNAME: `mail.${name}.example`,
      OTHER_CA: path.join(folder, `ca-${other}.pem`),
    },
  });
}

const one = machine('one', true);
const two = machine('two', true);
try {
  process.exitCode = (await main()) ? 0 : 1;
} finally {
  if (values.keep) say('left up');
  else {
    await Promise.all([one.remove(), two.remove()]);
    await between('down', '-v', '-t', '2');
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<boolean> {
  await between('up', '-d');
  if (values.image === undefined) await machine('one', false).compose(['build', '--quiet', 'secrets']);
  for (const name of MACHINES) {
    const alone = machine(name, false);
    await alone.compose(['up', '-d', 'secrets']);
    await alone.compose(['wait', 'secrets']).catch(() => undefined); // It may have ended already.
    fs.writeFileSync(path.join(folder, `ca-${name}.pem`), await secretOf(alone, 'ca.pem'));
  }
  for (const project of [one, two]) {
    await project.compose(['up', '-d', '--wait']);
    say(`${project.name} is up`);
  }
  await one.tool(['domain', 'add', 'one.example']);
  for (const name of ['ann', 'bob'])
    await one.tool(['user', 'add', `${name}@one.example`, '--password-stdin'], PASSWORD);
  await two.tool(['domain', 'add', 'two.example']);

  const id = `<${randomBytes(8).toString('hex')}@one.example>`;
  const found = await sendAndFind(id);
  const journey = await journeyOf(id);
  console.log(`\n${journey}`);
  const machines = ['one', 'two'].filter((name) => new RegExp(`\\b${name}\\b`, 'i').test(journey));
  const agents = ['msa', 'mta', 'mx', 'mda'].filter((agent) =>
    new RegExp(`\\b${agent}\\b`, 'i').test(journey),
  );
  console.log(`found ${found} times; the journey names ${machines.join(', ')} and ${agents.join(', ')}`);
  return found === 1 && machines.length === 2 && agents.length === 4;
}

/** Submits at machine one and waits, in the reader's IDLE, until it has come back there. */
async function sendAndFind(id: string): Promise<number> {
  const secure = {
    ca: fs.readFileSync(path.join(folder, 'ca-one.pem'), 'utf8'),
    servername: 'mail.one.example',
  };
  const ports = portsFrom(PORTS.one);
  const place = (port: string | undefined): { host: string; port: number } => ({
    host: '127.0.0.1',
    port: Number(port),
  });
  const reader = await ImapClient.connect({ ...place(ports['IMAPS_PORT']), ...secure });
  await reader.login('bob@one.example', PASSWORD);
  await reader.ok('SELECT INBOX');
  const writer = await SmtpSession.open({
    ...place(ports['SUBMISSIONS_PORT']),
    family: 4,
    security: 'tls',
    ...secure,
    auth: { username: 'ann@one.example', password: PASSWORD },
  });
  const header = [
    'From: <ann@one.example>',
    'To: <bob@one.example>',
    'Subject: over two machines',
    `Message-ID: ${id}`,
  ];
  await writer.send(
    'ann@one.example',
    'bob@one.example',
    [...header, '', 'Hello from next door.'].join('\r\n'),
  );
  await writer.quit();
  say('machine one said 250');
  await reader.idle(({ text }) => text.endsWith(' EXISTS'));
  const fetched = await reader.ok('FETCH 1:* (BODY.PEEK[HEADER])');
  reader.close();
  const headers = fetched.untagged.flatMap(({ literals }) => literals.map((one) => one.toString('latin1')));
  const its = headers.filter((one) => one.includes(id));
  for (const one of its) console.log(one.trimEnd());
  return its.length;
}

async function journeyOf(id: string): Promise<string> {
  const args: string[] = [];
  const databases: string[] = [];
  for (const [name, project] of [
    ['one', one],
    ['two', two],
  ] as const) {
    const url = await secretOf(project, 'database-url');
    const file = path.join(folder, `database-url-${name}`);
    fs.writeFileSync(file, url.replace('@postgres:', `@postgres.${name}.example:`), { mode: 0o644 });
    args.push('--volume', `${file}:/run/${name}/database-url:ro`);
    databases.push('--database', `${name}=/run/${name}/database-url`);
  }
  return one.compose(['run', '--rm', '-T', ...args, 'waybill', 'journey', id, ...databases]);
}

function secretOf(project: Project, file: string): Promise<string> {
  return project.compose([
    'run',
    '--rm',
    '-T',
    '--no-deps',
    '--entrypoint',
    'cat',
    'waybill',
    `/run/waybill/${file}`,
  ]);
}

async function between(...args: string[]): Promise<void> {
  const ran = await run('docker', ['compose', ...args], { env: { ...process.env, ...network } });
  if (ran.code !== 0) throw new Error(`docker compose ${args.join(' ')}: ${ran.stderr}`);
}
