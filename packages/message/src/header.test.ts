import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fieldValue, headerEnd, headerFields, prependFields, removeFields } from './header.ts';

const names = (text: string): string[] => headerFields(Buffer.from(text)).map((field) => field.name);

test('fields are found with their folding, in order, lower case', () => {
  const buffer = Buffer.from('Subject: one\r\n two\r\nTo : bob\r\nX-A:\r\n\r\nNot: this\r\n');
  const fields = headerFields(buffer);
  assert.deepEqual(
    fields.map((field) => field.name),
    ['subject', 'to', 'x-a'],
  );
  assert.deepEqual(
    fields.map((field) => fieldValue(buffer, field)),
    ['one two', 'bob', ''],
  );
  assert.equal(buffer.toString('latin1', 0, fields[0]?.end), 'Subject: one\r\n two\r\n');
});

test('the header ends after the empty line, or with the message', () => {
  assert.equal(headerEnd(Buffer.from('A: b\r\n\r\nbody')), 8);
  assert.equal(headerEnd(Buffer.from('\r\nbody')), 2);
  assert.equal(headerEnd(Buffer.from('A: b\r\n')), 6);
  assert.equal(headerEnd(Buffer.from('')), 0);
  assert.equal(headerEnd(Buffer.from('A: b\n\nbody')), 6);
});

test('a bare LF among CRLF lines is data and hides no field', () => {
  const buffer = Buffer.from('Subject: a\nBcc: b\r\nTo: c\r\n\r\n');
  assert.deepEqual(names(buffer.toString()), ['subject', 'to']);
  const [subject] = headerFields(buffer);
  assert.ok(subject);
  assert.equal(fieldValue(buffer, subject), 'a Bcc: b');
});

test('a message with bare LF throughout is read too', () => {
  assert.deepEqual(names('A: b\n c\nD: e\n\nbody: x'), ['a', 'd']);
});

test('junk lines belong to no field', () => {
  assert.deepEqual(names('From bob Tue\r\nA: b\r\ngarbage\r\n more\r\n: c\r\nD: e\r\n\r\n'), ['a', 'd']);
});

test('removing fields leaves every other octet', () => {
  const buffer = Buffer.from('A: 1\r\nBcc: x,\r\n y\r\njunk\r\nB: 2\r\nbcc:z\r\n\r\nBcc: body\r\n');
  assert.equal(
    removeFields(buffer, new Set(['bcc'])).toString(),
    'A: 1\r\njunk\r\nB: 2\r\n\r\nBcc: body\r\n',
  );
  assert.equal(removeFields(buffer, new Set(['cc'])), buffer);
});

test('a message that begins with white space cannot fold into what is put before it', () => {
  assert.equal(prependFields(Buffer.from(' x\r\n'), 'A: b\r\n').toString(), 'A: b\r\n\r\n x\r\n');
  assert.equal(prependFields(Buffer.from('C: d\r\n'), 'A: b\r\n').toString(), 'A: b\r\nC: d\r\n');
  const pieces = [Buffer.alloc(0), Buffer.from('\tx'), Buffer.from('\r\n')];
  assert.equal(prependFields(pieces, 'A: b\r\n').toString(), 'A: b\r\n\r\n\tx\r\n');
});

test('values keep their octets as latin1 and become text as UTF-8', () => {
  const buffer = Buffer.from('Subject: M\u00fcller\r\n\r\n');
  const [field] = headerFields(buffer);
  assert.ok(field);
  assert.equal(fieldValue(buffer, field), 'M\u00fcller');
  assert.equal(Buffer.from(fieldValue(buffer, field, 'latin1'), 'latin1').toString(), 'M\u00fcller');
});

test('a thousand fields are told apart, the rest is left alone', () => {
  assert.equal(headerFields(Buffer.from('A: b\r\n'.repeat(5000))).length, 1000);
});

test('a field longer than what is read of a header is taken off whole', () => {
  const message = Buffer.from(`A: b\r\nBcc: ${'x@y,\r\n '.repeat(300_000)}z\r\nC: d\r\n\r\nbody`);
  assert.equal(removeFields(message, new Set(['bcc'])).toString(), 'A: b\r\nC: d\r\n\r\nbody');
});
