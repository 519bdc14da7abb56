import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CommandReader, LIMITS_AFTER_LOGIN, LIMITS_BEFORE_LOGIN, type ReaderEvent } from '../src/index.ts';
import { COMMAND_VECTORS } from './command-vectors.ts';
import { REFUSED } from './refused-vectors.ts';

function reader(authenticated = true): CommandReader {
  const made = new CommandReader({ maxAppend: 100 });
  made.setAuthenticated(authenticated);
  return made;
}

/** All events when the octets come in these pieces. */
function events(pieces: readonly Buffer[], authenticated = true): ReaderEvent[] {
  const commands = reader(authenticated);
  return pieces.flatMap((piece) => [...commands.feed(piece)]);
}

function atEverySplit(octets: Buffer, check: (pieces: Buffer[]) => void): void {
  check([octets]);
  for (let at = 1; at < octets.length; at += 1) check([octets.subarray(0, at), octets.subarray(at)]);
  check(Array.from(octets, (_, at) => octets.subarray(at, at + 1)));
}

/** One refusal and nothing else. */
function refusal(found: readonly ReaderEvent[]): ReaderEvent & { kind: 'bad' } {
  const bad = found.filter((event) => event.kind === 'bad');
  assert.equal(bad.length, 1, JSON.stringify(found));
  return bad[0]!;
}

describe('a command becomes its value, wherever the octets are cut', () => {
  for (const { octets, command, continues = 0 } of COMMAND_VECTORS) {
    test(JSON.stringify(octets), () => {
      const wanted = [
        ...Array.from({ length: continues }, () => ({ kind: 'continue' })),
        { kind: 'command', command },
      ];
      atEverySplit(Buffer.from(octets), (pieces) => assert.deepEqual(events(pieces), wanted));
    });
  }

  test('all of them pipelined', () => {
    const all = Buffer.from(COMMAND_VECTORS.map((vector) => vector.octets).join(''));
    const found = events([all]).flatMap((event) => (event.kind === 'command' ? [event.command] : []));
    assert.deepEqual(
      found,
      COMMAND_VECTORS.map((vector) => vector.command),
    );
  });
});

describe('what the grammar does not say is refused, and the next command is read', () => {
  for (const [octets, tag, text] of REFUSED) {
    test(JSON.stringify(octets), () => {
      atEverySplit(Buffer.from(`${octets}next NOOP\r\n`), (pieces) => {
        const found = events(pieces);
        const bad = refusal(found);
        assert.equal(bad.tag, tag);
        assert.match(bad.text, text);
        assert.equal(bad.fatal, false);
        assert.deepEqual(found.at(-1), { kind: 'command', command: { tag: 'next', verb: 'NOOP' } });
      });
    });
  }
});

describe('limits', () => {
  test('SEARCH may nest to 50 levels and no further', () => {
    const nested = (levels: number): ReaderEvent[] =>
      events([Buffer.from(`a SEARCH ${'('.repeat(levels)}ALL${')'.repeat(levels)}\r\n`)]);
    assert.equal(nested(50)[0]?.kind, 'command');
    assert.match(refusal(nested(51)).text, /levels/);
    assert.match(refusal(events([Buffer.from(`a SEARCH ${'NOT '.repeat(10_000)}ALL\r\n`)])).text, /levels/);
  });

  for (const [when, authenticated, limit] of [
    ['before login', false, LIMITS_BEFORE_LOGIN.line],
    ['after login', true, LIMITS_AFTER_LOGIN.line],
  ] as const) {
    test(`${when} a line may have ${limit} octets, CRLF counted`, () => {
      const line = (octets: number): Buffer => Buffer.from(`a LOGIN ${'x'.repeat(octets - 12)} y\r\n`);
      for (const cut of [1, 1000, limit - 1, limit]) {
        const pieces = (octets: Buffer): Buffer[] => [octets.subarray(0, cut), octets.subarray(cut)];
        assert.equal(events(pieces(line(limit)), authenticated)[0]?.kind, 'command');
        const long = Buffer.concat([line(limit + 1), Buffer.from('b NOOP\r\n')]);
        const found = events(pieces(long), authenticated);
        assert.deepEqual(
          [found.length, found[0], found[1]?.kind],
          [
            2,
            { kind: 'bad', tag: 'a', status: 'BAD', text: 'The line is too long', fatal: false },
            'command',
          ],
        );
      }
    });
  }

  test('a line without end is given up', () => {
    const commands = reader();
    const piece = Buffer.alloc(65_536, 'x');
    const found = Array.from({ length: 20 }, () => [...commands.feed(piece)]).flat();
    assert.deepEqual(
      found.map((event) => event.kind === 'bad' && event.fatal),
      [false, true],
    );
    assert.equal(commands.buffered, 0);
  });

  test('before login the literals of a command are small, and APPEND has no greater right', () => {
    assert.deepEqual(events([Buffer.from('a LOGIN {8192}\r\n')], false), [{ kind: 'continue' }]);
    assert.equal(refusal(events([Buffer.from('a LOGIN {8193}\r\n')], false)).fatal, false);
    assert.equal(refusal(events([Buffer.from('a LOGIN {1+}\r\nx {8192+}\r\n')], false)).fatal, true);
    assert.match(refusal(events([Buffer.from('a APPEND x {8193}\r\n')], false)).text, /literals/);
  });

  test('literals are counted together before any octet of them is asked for', () => {
    const first = Buffer.concat([Buffer.from('a RENAME {1048576+}\r\n'), Buffer.alloc(1_048_576, 'x')]);
    assert.match(refusal(events([first, Buffer.from(' {1}\r\n')])).text, /together/);
  });

  test('an APPEND that is too large is NO [TOOBIG], and the end when nobody asked for its octets', () => {
    const asked = refusal(events([Buffer.from('a APPEND {1+}\r\nx {101}\r\n')]));
    assert.deepEqual([asked.status, asked.fatal, asked.text.startsWith('[TOOBIG]')], ['NO', false, true]);
    const unasked = events([Buffer.from('a APPEND x {101+}\r\nb NOOP\r\n')]);
    assert.deepEqual([unasked.length, refusal(unasked).fatal], [1, true]);
  });

  for (const octets of [
    'a LOGIN x {99999999999999999999+}\r\n',
    'a LOGIN x{3+}\r\n',
    'a LOGIN "x {3+}\r\n',
    'a LOGIN {3+}\n',
  ]) {
    test(`octets that cannot be told from commands end the session: ${JSON.stringify(octets)}`, () => {
      atEverySplit(Buffer.from(`${octets}b NOOP\r\n`), (pieces) => {
        const found = events(pieces);
        assert.equal(found.length, 1);
        assert.equal(refusal(found).fatal, true);
      });
    });
  }
});

describe('lines that are no commands', () => {
  test('expectLine hands out the next line as it is, pipelined or not', () => {
    atEverySplit(Buffer.from('a IDLE\r\ndone {3}\r\nb NOOP\r\n'), (pieces) => {
      const commands = reader();
      const found: ReaderEvent[] = [];
      for (const piece of pieces) {
        for (const event of commands.feed(piece)) {
          if (event.kind === 'command' && event.command.verb === 'IDLE') commands.expectLine();
          found.push(event);
        }
      }
      assert.deepEqual(found, [
        { kind: 'command', command: { tag: 'a', verb: 'IDLE' } },
        { kind: 'line', octets: Buffer.from('done {3}') },
        { kind: 'command', command: { tag: 'b', verb: 'NOOP' } },
      ]);
    });
  });

  test('the new limits of a login hold for the command pipelined behind it', () => {
    const commands = reader(false);
    commands.feed(Buffer.from(`a LOGIN x y\r\nb LOGIN ${'x'.repeat(9000)} y\r\n`));
    assert.equal(commands.next()?.kind, 'command');
    commands.setAuthenticated(true);
    assert.equal(commands.next()?.kind, 'command');
  });

  test('octets behind STARTTLS are seen', () => {
    const commands = reader(false);
    commands.feed(Buffer.from('a STARTTLS\r\n'));
    assert.equal(commands.next()?.kind, 'command');
    assert.equal(commands.buffered, 0);
    commands.feed(Buffer.from('b STARTTLS\r\nc'));
    assert.equal(commands.next()?.kind, 'command');
    assert.equal(commands.buffered, 1);
    assert.equal(commands.next(), null);
    assert.equal(commands.buffered, 1);
  });
});

describe('whatever comes', () => {
  const word = fc.constantFrom(
    ...'a1 |NOOP|LOGIN |APPEND |x |SEARCH |FETCH |UID |1:* |BODY[|HEADER.FIELDS |(|)|]|{3}\r\n|{3+}\r\n|abc|{200}\r\n|{0+}\r\n|"|\\|\r\n|\n|\r|&AOk-|*|%|<0.1>|\u0000|OR |NOT |{'.split(
      '|',
    ),
  );
  const traffic = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(word, { maxLength: 40 }).map((words) => Buffer.from(words.join(''), 'latin1')),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...COMMAND_VECTORS), fc.nat(), fc.nat(255))
        .map(([vector, at, octet]) => {
          const octets = Buffer.from(vector.octets);
          octets[at % octets.length] = octet;
          return Buffer.concat([octets, Buffer.from('z NOOP\r\n')]);
        }),
    },
  );

  test('the reader does not throw, and the cuts change nothing', () => {
    fc.assert(
      fc.property(
        traffic,
        fc.array(fc.nat(300), { maxLength: 8 }),
        fc.boolean(),
        (octets, cuts, authenticated) => {
          const ends = [
            ...cuts.map((cut) => Math.min(cut, octets.length)).toSorted((a, b) => a - b),
            octets.length,
          ];
          const pieces = ends.map((end, index) => octets.subarray(ends[index - 1] ?? 0, end));
          assert.deepEqual(events(pieces, authenticated), events([octets], authenticated));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('the work grows with the octets, also when each comes alone', () => {
    const piece = Buffer.from('x');
    const timed = (octets: number): number => {
      const commands = new CommandReader({ maxAppend: octets });
      commands.setAuthenticated(true);
      const start = process.hrtime.bigint();
      assert.equal(commands.feed(Buffer.from(`a APPEND x {${octets}}\r\n`)).next()?.kind, 'continue');
      for (let at = 0; at < octets; at += 1) assert.equal(commands.feed(piece).next(), null);
      assert.equal(commands.feed(Buffer.from('\r\n')).next()?.kind, 'command');
      return Number(process.hrtime.bigint() - start);
    };
    timed(100_000);
    const small = Math.min(timed(50_000), timed(50_000), timed(50_000));
    const large = Math.min(timed(400_000), timed(400_000));
    // Eight times the octets: eight times the work if it is linear, 64 times if it is not.
    assert.ok(large < small * 30, `${large} ns against ${small} ns`);
  });
});
