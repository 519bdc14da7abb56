import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { type Dkim, openSenderChecks } from '../src/index.ts';
import { LETTER, NOW, PUBLIC, signed } from './signed-letter.ts';
import { ZoneNames } from './zone-names.ts';

/** What strangers send to cost us time, or to be believed: the time grows with the size alone, nothing breaks. */
const ZONE = { 'rsa._domainkey.red.test': [['TXT', `v=DKIM1; p=${PUBLIC.rsa}`]] } as const;
const checks = openSenderChecks(new ZoneNames(ZONE));
const verify = (message: string | Buffer): Promise<readonly Dkim[]> =>
  checks.dkim([Buffer.from(message)], NOW);

/** Grows an input fourfold and compares: linear is about 4, quadratic about 16. The best of three counts. */
async function growth(make: (size: number) => Buffer, size: number): Promise<number> {
  const inputs = [make(size), make(4 * size)] as const;
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const times: number[] = [];
    for (const input of inputs) {
      const began = process.cpuUsage();
      await checks.dkim([input], NOW);
      const { user, system } = process.cpuUsage(began);
      times.push((user + system) / 1000 + 1);
    }
    best = Math.min(best, (times[1] ?? 0) / (times[0] ?? 1));
  }
  return best;
}

describe('CPU time is linear in', () => {
  const shapes: Readonly<Record<string, (size: number) => Buffer>> = {
    'one header of megabytes': (size) =>
      Buffer.from(signed(LETTER).replace('Subject: Hello', `Subject: ${'x '.repeat(size)}`)),
    'folds of a signature': (size) =>
      Buffer.from(signed(LETTER).replace('; c=', `;${'\r\n '.repeat(size / 2)} c=`)),
    'tags of a signature': (size) => Buffer.from(`DKIM-Signature: ${'a=b;'.repeat(size / 4)}\r\n${LETTER}`),
    'names in h=': (size) => Buffer.from(`DKIM-Signature: h=${'from:'.repeat(size / 4)}\r\n${LETTER}`),
    signatures: (size) => Buffer.from(`DKIM-Signature: v=1; d=x.test\r\n`.repeat(size / 8) + LETTER),
    'From fields': (size) => Buffer.from('From: a@red.test\r\n'.repeat(size / 4) + signed(LETTER)),
    'a body of white space': (size) => Buffer.from(signed(LETTER) + ' \t'.repeat(2 * size)),
    'a body of empty lines': (size) => Buffer.from(signed(LETTER) + '\r\n'.repeat(2 * size)),
    'a body of bare CR': (size) => Buffer.from(signed(LETTER) + '\r'.repeat(4 * size)),
    'a body of spaces at line ends': (size) => Buffer.from(signed(LETTER) + 'a \r\n'.repeat(size)),
  };
  for (const [what, make] of Object.entries(shapes))
    test(what, async () => {
      const factor = await growth(make, 200_000);
      assert.ok(factor < 9, `four times the input costs ${factor.toFixed(1)} times the time`);
    });
});

describe('Nothing is too large', () => {
  test('a header of 10 MB, 100,000 signatures: answered, and none believed', async () => {
    const began = process.cpuUsage();
    const found = await verify(
      'DKIM-Signature: v=1; a=rsa-sha256; d=red.test; s=rsa; h=from; bh=x; b=y; x=padpadpadpadpadpad\r\n'.repeat(
        100_000,
      ) + signed(LETTER),
    );
    assert.ok(found.length > 0 && found.every(({ result }) => result === 'policy'));
    assert.ok(process.cpuUsage(began).user < 3_000_000);
  });

  test('a body of 50 MB is hashed with pauses: others go on', async () => {
    const body = Buffer.alloc(50 * 1024 * 1024, 'a line of text  \r\n');
    let turns = 0;
    let over = false;
    const tick = (): void => {
      turns++;
      if (!over) setImmediate(tick);
    };
    tick();
    await checks.dkim([Buffer.from(signed(LETTER)), body], NOW);
    over = true;
    assert.ok(turns > 40, `${turns} turns`);
  });
});

describe('Whatever comes', () => {
  const message = signed(LETTER);

  test('one octet changed in what is signed never passes, and never throws', async () => {
    // The whole message is signed, but for the blanks that relaxed forms take out and the case of names.
    await fc.assert(
      fc.asyncProperty(
        fc.nat(message.length - 1),
        fc.constantFrom(...Buffer.from('QZ9;=@\0')),
        async (at, octet) => {
          const forged = Buffer.from(message);
          if (forged[at] === octet || /\s/.test(message[at] as string)) return;
          forged[at] = octet;
          const found = await verify(forged);
          const passes = found.some(({ result }) => result === 'pass');
          // Base64 has no last bits, and a changed case of d=, s= or h= is the same name.
          if (passes) assert.equal(forged.toString().toLowerCase(), message.toLowerCase());
        },
      ),
      { numRuns: 400 },
    );
  });

  test('garbage of every kind is answered', async () => {
    const tags = fc.constantFrom('v', 'a', 'b', 'bh', 'c', 'd', 'h', 'i', 'l', 'q', 's', 't', 'x', 'zz');
    const values = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        '1',
        'rsa-sha256',
        'red.test',
        'rsa',
        'from',
        'relaxed/relaxed',
        '999999999999999999999',
        '-1',
        'AAAA',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(tags, values), { maxLength: 14 }), async (list) => {
        const text = list.map(([tag, value]) => `${tag}=${value}`).join(';');
        for (const one of await verify(`DKIM-Signature: ${text}\r\n${LETTER}`))
          assert.notEqual(one.result, 'pass');
      }),
      { numRuns: 300 },
    );
  });

  test('keys of every kind are answered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.base64String().map((p) => `v=DKIM1; p=${p}`),
        ),
        async (record) => {
          const names = new ZoneNames({ 'rsa._domainkey.red.test': [['TXT', record]] });
          const [one] = await openSenderChecks(names).dkim([Buffer.from(message)], NOW);
          assert.equal(one?.result, 'permerror');
        },
      ),
      { numRuns: 300 },
    );
  });

  test('senders, records and author fields of every kind are answered', async () => {
    const any = fc.string({ unit: 'binary', maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(any, any, any, any, async (sender, helo, record, from) => {
        const names = {
          lookup: () =>
            Promise.resolve({
              kind: 'found',
              records: [`v=spf1 ${record}`, `v=DMARC1;${record}`],
              authenticated: false,
            } as never),
        };
        const hostile = openSenderChecks(names);
        const spf = await hostile.spf({ address: '192.0.2.1', helo }, sender, 'mailfrom');
        assert.ok(typeof spf.result === 'string');
        assert.doesNotMatch(spf.explanation ?? '', /[^\x20-\x7e]/);
        const dmarc = await hostile.dmarc([from], spf, []);
        assert.ok(typeof dmarc.result === 'string');
        await hostile.iprev(sender);
      }),
      { numRuns: 300 },
    );
  });
});
