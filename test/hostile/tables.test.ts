/** The tables of hostile forms, said to a real mx and a real msa: what is sent, and what must come back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import test, { after } from 'node:test';
import { SmtpConnection } from '@waybill/smtp/client';
import { TestWorld } from '../journeys/a-world.ts';
import { MALFORMED } from './malformed-commands.ts';
import { RawClient } from './raw-client.ts';
import { RELAY_FORMS } from './relay-forms.ts';
import {
  FALSE_ENDS,
  FALSE_ENDS_WITH_NUL,
  normalised,
  REPLY_FORMS,
  STARTTLS_FORMS,
} from './smuggling-forms.ts';

const t = await TestWorld.start();
after(() => t[Symbol.asyncDispose]());
const { mx, msa, msas } = t.world.ports;

/** Every row that does not come out as it should; a table is judged as a whole. */
async function judge<T>(rows: readonly T[], play: (row: T) => Promise<string | undefined>): Promise<void> {
  const wrong: string[] = [];
  for (const row of rows) {
    const fault = await play(row);
    if (fault !== undefined) wrong.push(fault);
  }
  assert.deepEqual(wrong, []);
}

async function greeted(port: number, ca?: string): Promise<RawClient> {
  const client = await RawClient.connect(port, ca);
  await client.reply();
  await client.ask('EHLO client.test');
  return client;
}

test(`relay: ${RELAY_FORMS.length} forms at mx`, async (context) => {
  await judge(RELAY_FORMS, async ({ to, reply }) => {
    const client = await greeted(mx);
    await client.ask('MAIL FROM:<stranger@slow.test>');
    const said = await client.ask(`RCPT TO:${to}`);
    const data = await client.ask('DATA');
    client.close();
    const shown = JSON.stringify(to);
    if (!said.startsWith(reply)) return `${shown}: ${said}, not ${reply}`;
    return data.startsWith('554 5.5.1 ') ? undefined : `${shown}: DATA was answered ${data}`;
  });
  context.diagnostic(`${RELAY_FORMS.length} relay forms refused by mx`);
});

test(`relay: the same forms at msa, without a login, in clear and under TLS`, async (context) => {
  for (const [port, ca] of [[msa], [msas, t.ca]] as const)
    await judge(RELAY_FORMS, async ({ to }) => {
      const client = await greeted(port, ca);
      const from = await client.ask('MAIL FROM:<alice@red.test>');
      const said = await client.ask(`RCPT TO:${to}`);
      client.close();
      if (!from.startsWith('530 5.7.0 ')) return `MAIL at ${port}: ${from}`;
      // Octets that no command has are no RCPT at all.
      return /^(?:530 5\.7\.0|500 5\.5\.2) /.test(said)
        ? undefined
        : `${JSON.stringify(to)} at ${port}: ${said}`;
    });
  context.diagnostic(`${2 * RELAY_FORMS.length} relay forms refused by msa`);
});

test(`${MALFORMED.length} malformed commands at mx`, async (context) => {
  await judge(MALFORMED, async ({ say, replies, greetedOnly }) => {
    const client = greetedOnly === true ? await RawClient.connect(mx) : await greeted(mx);
    if (greetedOnly === true) await client.reply();
    client.write(say);
    const said: string[] = [];
    for (const reply of replies) {
      said.push(await client.reply());
      if (said.at(-1)?.startsWith(reply) === false) break;
    }
    // The conversation goes on, and nothing more was said to what was sent.
    if (replies.at(-1) !== 'closed') said.push(await client.ask('QUIT'));
    client.close();
    const wanted = replies.at(-1) === 'closed' ? replies : [...replies, '221 '];
    const right = said.length === wanted.length && said.every((one, i) => one.startsWith(wanted[i] ?? '-'));
    return right
      ? undefined
      : `${JSON.stringify(say.slice(0, 60))}: ${said.join(' | ')}, not ${replies.join('| ')}`;
  });
  context.diagnostic(`${MALFORMED.length} malformed commands answered as they should be`);
});

const EVIL =
  'MAIL FROM:<mallory@red.test>\r\nRCPT TO:<bob@blue.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n';
const WAYS = ['one segment', 'one octet per segment'] as const;

test(`smuggling: ${FALSE_ENDS.length + FALSE_ENDS_WITH_NUL.length} false ends at mx, whole and by octets`, async (context) => {
  let played = 0;
  for (const way of WAYS)
    await judge([...FALSE_ENDS, ...FALSE_ENDS_WITH_NUL], async (end) => {
      const client = await greeted(mx);
      await client.ask('MAIL FROM:<stranger@slow.test>');
      await client.ask('RCPT TO:<bob@blue.test>');
      await client.ask('DATA');
      const octets = `From: <stranger@slow.test>\r\n\r\nx${end}${EVIL}`;
      if (way === 'one segment') client.write(octets);
      else await client.drip(octets);
      const said = await client.reply();
      const next = await client.ask('NOOP');
      client.close();
      played++;
      return /^550 5\.6\.(?:11|0) /.test(said) && next.startsWith('250 ')
        ? undefined
        : `${JSON.stringify(end)} in ${way}: ${said} | ${next}`;
    });
  context.diagnostic(`${played} false ends refused by mx`);
});

test('smuggling: false ends in chunks at mx', async () => {
  await judge([...FALSE_ENDS, ...FALSE_ENDS_WITH_NUL], async (end) => {
    const client = await greeted(mx);
    await client.ask('MAIL FROM:<stranger@slow.test>');
    await client.ask('RCPT TO:<bob@blue.test>');
    const octets = `From: <stranger@slow.test>\r\n\r\nx${end}${EVIL}`;
    client.write(`BDAT ${octets.length} LAST\r\n${octets}`);
    const said = await client.reply();
    const next = await client.ask('NOOP');
    client.close();
    return /^550 5\.6\.(?:11|0) /.test(said) && next.startsWith('250 ')
      ? undefined
      : `${JSON.stringify(end)} by BDAT: ${said} | ${next}`;
  });
});

test('smuggling: msa makes one message of each, which arrives octet for octet over all hops', async (context) => {
  const head = (n: number): string =>
    `From: <alice@red.test>\r\nTo: <bob@blue.test>\r\nSubject: end ${n}\r\nMessage-ID: <end-${n}@red.test>\r\n` +
    `Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\n`;
  const login = Buffer.from(`\0${t.alice.address}\0${t.alice.password}`).toString('base64');
  const wire = (end: string): string => `x${end}${EVIL}`;
  await judge(FALSE_ENDS, async (end) => {
    const client = await greeted(msas, t.ca);
    await client.ask(`AUTH PLAIN ${login}`);
    await client.ask('MAIL FROM:<alice@red.test>');
    await client.ask('RCPT TO:<bob@blue.test>');
    await client.ask('DATA');
    client.write(`${head(FALSE_ENDS.indexOf(end))}${wire(end)}`);
    const said = await client.reply();
    const next = await client.ask('NOOP');
    client.close();
    return said.startsWith('250 2.') && next.startsWith('250 ')
      ? undefined
      : `${JSON.stringify(end)}: ${said} | ${next}`;
  });
  const arrived = await t.inbox(t.bob, FALSE_ENDS.length);
  assert.equal(arrived.length, FALSE_ENDS.length);
  for (const [n, end] of FALSE_ENDS.entries()) {
    const message = arrived.find((one) => one.includes(`\r\nSubject: end ${n}\r\n`)) ?? '';
    const body = message.slice(message.indexOf('\r\n\r\n') + 4);
    const sent = wire(end).slice(0, -'.\r\n'.length);
    assert.equal(body, normalised(sent), JSON.stringify(end));
    assert.match(message, /^Return-Path: <alice@red\.test>\r\n/m);
  }
  context.diagnostic(`${FALSE_ENDS.length} false ends came through all hops as one message each`);
});

test(`STARTTLS: ${STARTTLS_FORMS.length} forms of what may not cross it`, async (context) => {
  await judge(STARTTLS_FORMS, async ({ name, door, steps }) => {
    const client = await greeted(door === 'mx' ? mx : msa);
    try {
      for (const step of steps) {
        if ('say' in step) client.write(step.say);
        else if ('hear' in step) {
          const said = await client.reply();
          if (!said.startsWith(step.hear)) return `${name}: ${said}, not ${step.hear}`;
        } else if ((await client.secure(t.ca)) !== step.tls) return `${name}: handshake ${String(!step.tls)}`;
      }
      return undefined;
    } finally {
      client.close();
    }
  });
  context.diagnostic(`${STARTTLS_FORMS.length} STARTTLS forms`);
});

test(`our client: ${REPLY_FORMS.length} forms of replies that nobody asked for`, async (context) => {
  await judge(REPLY_FORMS, async ({ name, says, phase }) => {
    const server = net.createServer((socket) => {
      const rest = says.slice(1);
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        const next = rest.shift();
        if (next !== undefined) socket.write(next, 'latin1');
      });
      socket.write(says[0] ?? '', 'latin1');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const opened = await SmtpConnection.open({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      name: 'mx.test',
      protocol: 'smtp',
      helloName: 'mta.test',
      tls: 'required',
    });
    server.close();
    if (opened.kind === 'open') {
      opened.connection.destroy('not wanted');
      return `${name}: the client went on`;
    }
    return opened.failure.phase === phase ? undefined : `${name}: gave up at ${opened.failure.phase}`;
  });
  context.diagnostic(`${REPLY_FORMS.length} forms of injected replies`);
});
