import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { openSenderChecks } from '../src/index.ts';
import { type Zone, ZoneNames } from './zone-names.ts';

/** The signed messages that the RFCs print, with the keys that they print. */
const ZONE: Zone = {
  'brisbane._domainkey.football.example.com': [
    ['TXT', 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
  ],
  'test._domainkey.football.example.com': [
    [
      'TXT',
      'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
    ],
  ],
  'brisbane._domainkey.example.com': [
    [
      'TXT',
      'v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB',
    ],
  ],
};

const LETTER = [
  'From: Joe SixPack <joe@football.example.com>',
  'To: Suzie Q <suzie@shopping.example.net>',
  'Subject: Is dinner ready?',
  'Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)',
  'Message-ID: <20030712040037.46341.5F8J@football.example.com>',
  '',
  'Hi.',
  '',
  'We lost the game. Are you hungry yet?',
  '',
  'Joe.',
  '',
];
const RFC8463 = [
  'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;',
  ' d=football.example.com; i=@football.example.com;',
  ' q=dns/txt; s=brisbane; t=1528637909; h=from : to :',
  ' subject : date : message-id : from : subject : date;',
  ' bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
  ' b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus',
  ' Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==',
  'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;',
  ' d=football.example.com; i=@football.example.com;',
  ' q=dns/txt; s=test; t=1528637909; h=from : to : subject :',
  ' date : message-id : from : subject : date;',
  ' bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
  ' b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3',
  ' DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz',
  ' dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=',
];
/** With errata 3192 and 4926: one space in the body, and the indentation that was signed. */
const RFC6376 = [
  'DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;',
  '      c=simple/simple; q=dns/txt; i=joe@football.example.com;',
  '      h=Received : From : To : Subject : Date : Message-ID;',
  '      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
  '      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB',
  '      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut',
  '      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV',
  '      4bmp/YzhwvcubU4=;',
  'Received: from client1.football.example.com  [192.0.2.1]',
  '      by submitserver.example.com with SUBMISSION;',
  '      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)',
];

const octets = (lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'));
const results = async (message: Buffer) =>
  (await openSenderChecks(new ZoneNames(ZONE)).dkim([message])).map(
    ({ algorithm, result, comment }) => `${algorithm} ${result}: ${comment}`,
  );

describe('The message that is printed in', () => {
  test('RFC 8463 appendix A verifies by both of its signatures', async () => {
    assert.deepEqual(await results(octets([...RFC8463, ...LETTER])), [
      'ed25519-sha256 pass: Ed25519 key',
      'rsa-sha256 pass: 1024-bit key',
    ]);
  });

  test('RFC 6376 appendix A.2 verifies', async () => {
    assert.deepEqual(await results(octets([...RFC6376, ...LETTER])), ['rsa-sha256 pass: 1024-bit key']);
  });

  test('either RFC fails by one word more in its body, and by another subject', async () => {
    for (const lines of [RFC8463, RFC6376]) {
      const body = octets([...lines, ...LETTER.slice(0, -1), 'PS.', '']);
      for (const one of await results(body)) assert.match(one, /fail: the body was changed/);
      const subject = octets([...lines, ...LETTER.map((line) => line.replace('dinner', 'supper'))]);
      for (const one of await results(subject)) assert.match(one, /fail: the header was changed/);
    }
  });
});
