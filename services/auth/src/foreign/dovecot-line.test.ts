import assert from 'node:assert/strict';
import test from 'node:test';
import { Garbage } from './conversation.ts';
import { escapeTabs, readClientLine, unescapeTabs } from './dovecot-line.ts';

test('what Postfix asks is read: service, address and initial response', () => {
  assert.deepEqual(
    readClientLine(
      'AUTH\t7\tplain\tservice=smtp\tnologin\tlip=192.0.2.1\trip=198.51.100.9\tsecured\tresp=AGEAYg==',
    ),
    {
      kind: 'auth',
      id: '7',
      mechanism: 'PLAIN',
      service: 'smtp',
      remote: '198.51.100.9',
      response: 'AGEAYg==',
    },
  );
});

test('an initial response may be empty, which is an equals sign, or missing, which Exim says by saying nothing', () => {
  const response = (line: string): string | undefined => {
    const asked = readClientLine(line);
    assert.ok(asked.kind === 'auth');
    return asked.response;
  };
  assert.equal(response('AUTH\t1\tPLAIN\tservice=smtp\tresp=='), '');
  assert.equal(response('AUTH\t1\tLOGIN\tservice=smtp\tnologin\tresp='), undefined);
  assert.equal(response('AUTH\t1\tPLAIN\tservice=smtp'), undefined);
});

test('what stands behind the initial response is not heard', () => {
  const asked = readClientLine(
    'AUTH\t1\tPLAIN\tservice=smtp\trip=198.51.100.9\tresp=AA==\trip=127.0.0.1\tservice=imap',
  );
  assert.deepEqual(asked.kind === 'auth' && [asked.remote, asked.service, asked.response], [
    '198.51.100.9',
    'smtp',
    'AA==',
  ]);
});

test('ids are numbers of 32 bits, however they are written', () => {
  const asked = readClientLine('CONT\t0004294967'.slice(0, 15) + '\tYQ==');
  assert.equal(asked.kind === 'cont' && asked.id, '4294967');
  for (const id of ['', 'x', '-1', '4294967296', '99999999999', '1e3'])
    assert.throws(() => readClientLine(`CANCEL\t${id}`), Garbage, id);
});

test('garbage is told from the protocol', () => {
  for (const line of [
    '',
    'EHLO x',
    'AUTH',
    'AUTH\t1',
    'VERSION',
    'VERSION\t1',
    'VERSION\tx\ty',
    'GET / HTTP/1.1',
  ])
    assert.throws(() => readClientLine(line), Garbage, line);
  assert.throws(() => readClientLine(`AUTH\t1\tPLAIN${'\tx'.repeat(100)}`), Garbage);
});

test('tabs and line ends of a name are escaped, and come back', () => {
  const name = 'a\tb\nc\rd\u0001e\0f\u0001t';
  assert.equal(/[\t\n\r\0]/.test(escapeTabs(name)), false);
  assert.equal(unescapeTabs(escapeTabs(name)), name);
  assert.equal(unescapeTabs('a\u0001xb\u0001'), 'axb');
});
