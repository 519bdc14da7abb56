import assert from 'node:assert/strict';
import { test } from 'node:test';

import { headerFields } from './header.ts';
import { countReceived, receivedField, transmissionType } from './received.ts';

const facts = {
  helo: 'client.example',
  address: '192.0.2.1',
  reverseName: 'host.example',
  by: 'mx.red.test',
  protocol: 'ESMTPS',
  id: '019abcde-0000-7000-8000-000000000000',
  for: 'bob@blue.test',
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  date: new Date(Date.UTC(2026, 10, 24, 11, 0, 0)),
};

test('a Received field names who, where, how, which, for whom and when', () => {
  assert.equal(
    receivedField(facts).replaceAll('\r\n\t', ' '),
    'Received: from client.example (host.example [192.0.2.1]) by mx.red.test ' +
      '(TLSv1.3 TLS_AES_256_GCM_SHA384) with ESMTPS id 019abcde-0000-7000-8000-000000000000 ' +
      'for <bob@blue.test>; Tue, 24 Nov 2026 11:00:00 +0000\r\n',
  );
  for (const line of receivedField(facts).split('\r\n')) assert.ok(line.length <= 78, line);
});

test('IPv6 addresses are literals, mapped ones plain', () => {
  assert.match(receivedField({ ...facts, address: '2001:db8::1' }), /\[IPv6:2001:db8::1\]/);
  assert.match(receivedField({ ...facts, address: '::ffff:192.0.2.1' }), /\[192\.0\.2\.1\]/);
});

test('foreign text cannot end the field, the clause or the line', () => {
  const field = receivedField({ ...facts, helo: 'x\r\nBcc: a; b (c', for: 'a b>@x\r\nX: y' });
  const buffer = Buffer.from(`${field}\r\n`);
  assert.deepEqual(
    headerFields(buffer).map((each) => each.name),
    ['received'],
  );
  assert.equal(field.indexOf(';'), field.lastIndexOf(';'));
  assert.doesNotMatch(field, / for /);
});

test('hops are counted by Received fields of the header alone', () => {
  assert.equal(
    countReceived(Buffer.from('received: a\r\nX: b\r\nReceived: c\r\n d\r\n\r\nReceived: e\r\n')),
    2,
  );
});

test('the protocol says how the client came: RFC 3848, RFC 6531', () => {
  const plain = { extended: true, secure: false, smtputf8: false };
  assert.equal(transmissionType({ ...plain, extended: false }), 'SMTP');
  assert.equal(transmissionType(plain), 'ESMTP');
  assert.equal(transmissionType({ ...plain, secure: true }), 'ESMTPS');
  assert.equal(transmissionType({ ...plain, secure: true, smtputf8: true }), 'UTF8SMTPS');
});
