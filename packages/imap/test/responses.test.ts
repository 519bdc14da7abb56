import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  appendUidCode,
  bye,
  CommandReader,
  compactNumbers,
  continuation,
  copyUidCode,
  delimiterLine,
  enabledLine,
  FetchLine,
  flagsLine,
  flagsText,
  idLine,
  imapString,
  internalDateText,
  listLine,
  mailboxAstring,
  mailboxStatusLine,
  no,
  nstring,
  ok,
  permanentFlagsCode,
  ResponseBuilder,
  searchLine,
} from '../src/index.ts';

function written(write: (out: ResponseBuilder) => void): string {
  const out = new ResponseBuilder();
  write(out);
  return Buffer.concat(out.take()).toString('latin1');
}

describe('lines', () => {
  test('status responses carry their code, and only printable text', () => {
    assert.equal(ok('a', 'done', 'READ-WRITE'), 'a OK [READ-WRITE] done\r\n');
    assert.equal(no(null, 'caf\u00e9\r\nx'), '* NO caf???x\r\n');
    assert.equal(bye('', 'UNAVAILABLE'), '* BYE [UNAVAILABLE] -\r\n');
    assert.equal(continuation(), '+ \r\n');
    assert.equal(appendUidCode(38505, [3955]), 'APPENDUID 38505 3955');
    assert.equal(copyUidCode(7, [304, 319, 320], [3956, 3957, 3958]), 'COPYUID 7 304,319:320 3956:3958');
  });

  test('mailboxes are encoded and quoted as needed', () => {
    assert.equal(
      listLine('LIST', ['\\HasNoChildren', '\\Sent'], 'Sent'),
      '* LIST (\\HasNoChildren \\Sent) "/" Sent\r\n',
    );
    assert.equal(listLine('LSUB', [], 'a "b" \u00e9'), '* LSUB () "/" "a \\"b\\" &AOk-"\r\n');
    assert.equal(delimiterLine('LIST'), '* LIST (\\Noselect) "/" ""\r\n');
    assert.equal(
      mailboxStatusLine('INBOX', [
        ['MESSAGES', 2],
        ['UIDNEXT', 9],
      ]),
      '* STATUS INBOX (MESSAGES 2 UIDNEXT 9)\r\n',
    );
    assert.equal(mailboxAstring('nil'), '"nil"');
  });

  test('flags, numbers and dates', () => {
    assert.equal(flagsText(0), '()');
    assert.equal(flagsText(9, ['$Fwd'], true), '(\\Seen \\Deleted \\Recent $Fwd)');
    assert.equal(flagsLine(['x']), '* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft x)\r\n');
    assert.equal(permanentFlagsCode(true, ['x'], true), 'PERMANENTFLAGS ()');
    assert.equal(
      permanentFlagsCode(false, [], true),
      'PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)',
    );
    assert.equal(compactNumbers([1, 2, 3, 5]), '1:3,5');
    assert.equal(compactNumbers([]), '');
    assert.equal(searchLine([]), '* SEARCH\r\n');
    assert.equal(searchLine([2, 84]), '* SEARCH 2 84\r\n');
    assert.equal(internalDateText(Date.UTC(1996, 6, 7, 2, 4, 25)), '"07-Jul-1996 02:04:25 +0000"');
    assert.equal(enabledLine([]), '* ENABLED\r\n');
    assert.equal(idLine([['name', 'Waybill']]), '* ID ("name" "Waybill")\r\n');
  });
});

describe('FETCH', () => {
  test('items stand apart by one space', () => {
    const line = written((out) =>
      new FetchLine(out, 12)
        .uid(7)
        .flags(1)
        .size(44)
        .internalDate(0)
        .prepared('BODY', Buffer.from('("TEXT")'))
        .section({ path: [1], text: 'HEADER.FIELDS', fields: ['To', 'x y'] }, null, [
          Buffer.from('To: a\r\n'),
          Buffer.from('\r\n'),
        ])
        .section({ path: [], text: null, fields: [] }, 5, [Buffer.alloc(0)])
        .section({ path: [2], text: 'MIME', fields: [] }, null, null)
        .end(),
    );
    assert.equal(
      line,
      '* 12 FETCH (UID 7 FLAGS (\\Seen) RFC822.SIZE 44 INTERNALDATE "01-Jan-1970 00:00:00 +0000" BODY ("TEXT") ' +
        'BODY[1.HEADER.FIELDS (To "x y")] {9}\r\nTo: a\r\n\r\n BODY[]<5> "" BODY[2.MIME] NIL)\r\n',
    );
  });

  test('large octets are passed on without a copy, in their place', () => {
    const large = Buffer.alloc(100_000, 'x');
    const out = new ResponseBuilder();
    out.text('before ').literal(large).text(' behind');
    assert.equal(out.length, large.length + 'before {100000}\r\n behind'.length);
    const chunks = out.take();
    assert.deepEqual([chunks.length, chunks[1]], [3, large]);
    assert.equal(chunks[1]?.buffer, large.buffer);
    assert.deepEqual(out.take(), []);
  });
});

test('any octets come back from the string they are written as', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (octets) => {
      const string = imapString(Buffer.from(octets));
      const text = string.toString('latin1').replace('}\r\n', '+}\r\n');
      const reader = new CommandReader({ maxAppend: 1_000 });
      reader.setAuthenticated(true);
      const quoted = text.startsWith('"');
      const line = quoted ? `a SEARCH CHARSET X TEXT ${text}\r\n` : `a APPEND x ${text}\r\n`;
      const event = reader.feed(Buffer.from(line, 'latin1')).next();
      assert.ok(event?.kind === 'command', JSON.stringify(event));
      const { command } = event;
      if (command.verb === 'APPEND') assert.deepEqual(command.message, Buffer.from(octets));
      else if (command.verb === 'SEARCH') {
        assert.deepEqual(command.criteria, { key: 'TEXT', value: Buffer.from(octets).toString('latin1') });
      }
      assert.equal(
        written((out) => out.nstring(Buffer.from(octets))),
        string.toString('latin1'),
      );
    }),
  );
  assert.equal(nstring(null).toString(), 'NIL');
});
