import { needsEngine, suiteImage } from './engine.ts';
needsEngine(import.meta.filename);

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ImapClient } from '@waybill/lab';
import { SmtpSession } from '../compose/client/smtp-session.ts';
import { type ContainerWorld, startContainers } from './container-world.ts';

/** One message through the suite's own image: submitted, spooled, filed, read, and its journey asked for. */
const PASSWORD = 'correct horse battery staple';
let world: ContainerWorld;

before(async () => {
  world = await startContainers(suiteImage());
  world.tool(['domain', 'add', 'containers.test']);
  for (const name of ['ann', 'bob'])
    world.tool(['user', 'add', `${name}@containers.test`, '--password-stdin'], PASSWORD);
});

after(async () => {
  await world?.[Symbol.asyncDispose]();
});

test('what a writer submits is in the reader’s inbox, and its journey names every agent on the way', async () => {
  const secure = { ca: world.ca, servername: 'localhost' };
  const writer = await SmtpSession.open({
    ...world.at('msa', 2465),
    family: 4,
    security: 'tls',
    ...secure,
    auth: { username: 'ann@containers.test', password: PASSWORD },
  });
  const content = [
    'From: <ann@containers.test>',
    'To: <bob@containers.test>',
    'Subject: by container',
    'Message-ID: <one@containers.test>',
    '',
    'Hello from a container.',
  ].join('\r\n');
  await writer.send('ann@containers.test', 'bob@containers.test', content);
  await writer.quit();

  const { host, port } = world.at('mra', 2993);
  const reader = await ImapClient.connect({ host, port, ...secure });
  await reader.login('bob@containers.test', PASSWORD);
  const selected = await reader.ok('SELECT INBOX');
  if (!selected.untagged.some(({ text }) => text === '* 1 EXISTS'))
    await reader.idle(({ text }) => text === '* 1 EXISTS');
  const fetched = await reader.ok('FETCH 1 (BODY[])');
  const message = fetched.untagged
    .find(({ literals }) => literals.length > 0)
    ?.literals[0]?.toString('latin1');
  assert.match(message ?? '', /Subject: by container\r\n/);
  assert.match(message ?? '', /Hello from a container\./);
  reader.close();

  const journey = world.tool(['journey', '<one@containers.test>']);
  for (const agent of ['msa', 'mta', 'mda']) assert.match(journey, new RegExp(`\\b${agent}\\b`, 'i'));
});

test('a stranger at mx is heard for an address of ours and refused for another', async () => {
  const stranger = {
    ...world.at('mx', 2525),
    family: 4 as const,
    security: 'clear' as const,
    ca: world.ca,
    servername: 'localhost',
  };
  const session = await SmtpSession.open(stranger);
  await session.send('them@elsewhere.example', 'bob@containers.test', 'Subject: hello\r\n\r\nHi.');
  await session.quit();
  const other = await SmtpSession.open(stranger);
  await assert.rejects(
    other.send('them@elsewhere.example', 'who@elsewhere.example', 'Subject: no\r\n\r\nNo.'),
    {
      kind: 'permanent',
      moment: 'RCPT',
    },
  );
});
