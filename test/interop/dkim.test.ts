import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, describe } from 'node:test';
import { temporaryFolder } from '@waybill/lab';
import { openSenderChecks } from '../../packages/mail-auth/src/index.ts';
import { type SigningKey, signMessage } from '../../packages/mail-auth/src/sign.ts';
import { needs, run } from './programs.ts';

/** python3-dkim and opendkim read what we sign, and we read what they sign: both kinds of key, messages of every shape. */
needs(import.meta.filename);

const folder = temporaryFolder();
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const NOW = new Date();

const pairs = { r1: generateKeyPairSync('rsa', { modulusLength: 2048 }), e1: generateKeyPairSync('ed25519') };
const KEYS: readonly SigningKey[] = [
  { domain: 'red.test', selector: 'r1', algorithm: 'rsa-sha256', privateKey: pairs.r1.privateKey },
  { domain: 'red.test', selector: 'e1', algorithm: 'ed25519-sha256', privateKey: pairs.e1.privateKey },
];
const spki = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });
const RECORDS = {
  'r1._domainkey.red.test': `v=DKIM1; k=rsa; p=${spki(pairs.r1.privateKey).toString('base64')}`,
  'e1._domainkey.red.test': `v=DKIM1; k=ed25519; p=${spki(pairs.e1.privateKey).subarray(-32).toString('base64')}`,
};
const recordsFile = path.join(folder, 'records.json');
fs.writeFileSync(recordsFile, JSON.stringify(RECORDS));
const publicKeys = path.join(folder, 'public-keys');
fs.writeFileSync(
  publicKeys,
  Object.entries(RECORDS)
    .map(([name, text]) => `${name} ${text}\n`)
    .join(''),
);
const configFile = path.join(folder, 'opendkim.conf');
fs.writeFileSync(configFile, `Mode v\nTestPublicKeys ${publicKeys}\n`);

const HEADER = [
  'From: Alice <alice@red.test>',
  'To: Bob <bob@blue.test>',
  'Date: Tue, 24 Nov 2026 18:00:00 +0000',
  'Message-ID: <1@red.test>',
];
const message = (header: readonly string[], body: string): Buffer =>
  Buffer.from(`${[...HEADER, ...header].join('\r\n')}\r\n\r\n${body}`);

const MESSAGES: Readonly<Record<string, Buffer>> = {
  plain: message(['Subject: Hello'], 'Hello.\r\n'),
  'folded and blank': message(
    [
      'Subject: A  folded \t',
      '\tsubject  ',
      'List-Id: <a.red.test>',
      'List-Unsubscribe: <mailto:x@red.test>',
    ],
    ' Text  with \t blanks \t\r\n\r\n  \t\r\nand more\r\n\r\n\r\n',
  ),
  'with dots': message(['Subject: dots'], '.\r\n..\r\n.a\r\n'),
  'without a body': message(['Subject: none'], ''),
  'of empty lines': message(['Subject: empty'], '\r\n\r\n\r\n'),
  'beyond ASCII': message(
    ['Subject: Grüße', 'Content-Type: text/plain; charset=utf-8'],
    'Schöne Grüße 😀\r\n',
  ),
  'with fields twice': message(
    ['Subject: twice', 'Reply-To: a@red.test', 'Reply-To: b@red.test', 'References: <0@red.test>'],
    'x\r\n',
  ),
  'of many lines': message(['Subject: long'], 'a line of text  with two blanks\r\n'.repeat(20_000)),
};

const signed = async (octets: Buffer): Promise<Buffer> =>
  Buffer.concat([(await signMessage(octets, KEYS, NOW)).fields, octets]);

describe('python3-dkim', async () => {
  const forged = Buffer.from(
    (await signed(MESSAGES['plain']!)).toString('latin1').replace('Hello.', 'Hallo.'),
    'latin1',
  );
  const octets = [...(await Promise.all(Object.values(MESSAGES).map(signed))), forged];
  const ran = await run(
    'python3',
    [path.join(import.meta.dirname, 'python-dkim.py'), 'verify', recordsFile],
    {
      input: octets.map((one) => `${one.toString('base64')}\n`).join(''),
      env: pythonPath(),
    },
  );
  const results = ran.stdout.toString().trim().split('\n');

  for (const [i, what] of Object.keys(MESSAGES).entries())
    test(`verifies both signatures of a message ${what}`, () => {
      assert.equal(results[i], '["pass", "pass"]', ran.said);
    });

  test('and neither when a word is another', () => {
    assert.equal(results.length, octets.length, ran.said);
    assert.doesNotMatch(results.at(-1)!, /pass/);
  });
});

describe('opendkim', () => {
  for (const [what, octets] of Object.entries(MESSAGES))
    for (const key of KEYS)
      test(`verifies the ${key.algorithm} signature of a message ${what}`, async () => {
        const one = Buffer.concat([(await signMessage(octets, [key], NOW)).fields, octets]);
        assert.match(await opendkim(configFile, one), new RegExp(`dkim=pass .* header\\.a=${key.algorithm}`));
      });

  test('and none when a word is another', async () => {
    const octets = (await signed(MESSAGES['plain']!)).toString('latin1').replace('Hello.', 'Hallo.');
    assert.doesNotMatch(await opendkim(configFile, Buffer.from(octets, 'latin1')), /dkim=pass/);
  });
});

describe('what they sign verifies with us', () => {
  const checks = openSenderChecks({
    lookup: (name) => {
      const text = (RECORDS as Record<string, string>)[name];
      return Promise.resolve(
        text === undefined
          ? { kind: 'nxdomain' as const }
          : { kind: 'found' as const, records: [text as never], authenticated: false },
      );
    },
  });
  const keyFiles = KEYS.map((key) => {
    const file = path.join(folder, `${key.selector}.pem`);
    fs.writeFileSync(file, key.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return { ...key, file };
  });
  const judged = async (octets: Buffer): Promise<string[]> =>
    (await checks.dkim([octets])).map(({ result, algorithm }) => `${algorithm} ${result}`);
  /** Both programs put the field in front with line ends of the machine that they run on. */
  const crlf = (field: string): Buffer => Buffer.from(`${field.trimEnd().replaceAll(/\r?\n/g, '\r\n')}\r\n`);

  describe('python3-dkim', async () => {
    const wanted = Object.entries(MESSAGES).flatMap(([what, octets]) =>
      keyFiles.map((key) => ({ what, octets, ...key })),
    );
    const ran = await run('python3', [path.join(import.meta.dirname, 'python-dkim.py'), 'sign'], {
      input: wanted
        .map(
          ({ file, selector, domain, algorithm, octets }) =>
            `${file} ${selector} ${domain} ${algorithm} ${octets.toString('base64')}\n`,
        )
        .join(''),
      env: pythonPath(),
    });
    const fields = ran.stdout.toString().trim().split('\n');
    for (const [i, { what, algorithm, octets }] of wanted.entries())
      test(`${algorithm}, a message ${what}`, async () => {
        const field = crlf(Buffer.from(fields[i] ?? '', 'base64').toString());
        assert.deepEqual(await judged(Buffer.concat([field, octets])), [`${algorithm} pass`], ran.said);
      });
  });

  describe('opendkim', () => {
    for (const [what, octets] of Object.entries(MESSAGES))
      for (const { file, selector, domain, algorithm } of keyFiles)
        test(`${algorithm}, a message ${what}`, async () => {
          const config = path.join(folder, 'signing.conf');
          fs.writeFileSync(
            config,
            [
              'Mode s',
              `Domain ${domain}`,
              `Selector ${selector}`,
              `KeyFile ${file}`,
              `SignatureAlgorithm ${algorithm}`,
              'Canonicalization relaxed/simple',
              'RequireSafeKeys no',
              '',
            ].join('\n'),
          );
          const said = await opendkim(config, octets);
          const field = /hname='DKIM-Signature' hvalue='([^']+)'/.exec(said)?.[1];
          assert.ok(field, said);
          assert.deepEqual(await judged(Buffer.concat([crlf(`DKIM-Signature: ${field}`), octets])), [
            `${algorithm} pass`,
          ]);
        });
  });
});

/** What opendkim says of a message, and does with it. */
async function opendkim(config: string, octets: Buffer): Promise<string> {
  const file = path.join(folder, 'message');
  fs.writeFileSync(file, octets);
  const ran = await run(
    'sh',
    ['-c', 'PATH="$PATH:/usr/sbin" exec opendkim -x "$0" -t "$1" -vvv', config, file],
    {
      env: libraryPath(),
    },
  );
  return ran.said;
}

/** Where Debian's packages are unpacked and not installed, these say where. */
function pythonPath(): Record<string, string> {
  const { PYTHONPATH } = process.env;
  return PYTHONPATH === undefined ? {} : { PYTHONPATH };
}

function libraryPath(): Record<string, string> {
  const { LD_LIBRARY_PATH } = process.env;
  return LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH };
}
