import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Script, startSmtpHost } from '@waybill/lab';
import { closedPort, goodGroups, reports, ScriptedWorld, unwell, zoneText } from './doctor/scripted-world.ts';

/** What the doctor finds by real connections: doors of mail hosts, agents, and this machine. */
const world = await ScriptedWorld.open();
after(() => world[Symbol.asyncDispose]());

const closed = await closedPort();
const certificates = new Map<string, { cert: string; key: string }>();

interface Door {
  readonly slug: string;
  readonly finds: readonly string[];
  readonly says: string;
  readonly script?: Script;
  readonly certificateFor?: string;
  readonly clear?: boolean;
  readonly closed?: boolean;
  /** Something answers on port 443. */
  readonly web?: boolean;
  readonly mx?: string;
}

const greetAs =
  (name: string, further: Script = () => undefined): Script =>
  (moment) =>
    moment.phase === 'greeting' ? `220 ${name} ESMTP` : further(moment);
const refuse: Script = ({ phase }) => (phase === 'rcpt' ? '550 5.7.1 We do not relay' : undefined);

const DOORS: readonly Door[] = [
  { slug: 'well', finds: [], says: '' },
  { slug: 'closed', closed: true, finds: ['MX-6 fix'], says: 'Open TCP 25 inbound' },
  {
    slug: 'misnamed',
    script: greetAs('box.other.test', refuse),
    finds: ['MX-6 warn'],
    says: 'Set WAYBILL_HOSTNAME=mail.misnamed.red.test for mx',
  },
  {
    slug: 'unwilling',
    script: ({ phase }) => (phase === 'greeting' ? '554 5.3.2 Not today' : undefined),
    finds: ['MX-6 fix'],
    says: 'Look at the log of mx.',
  },
  { slug: 'clear', clear: true, finds: ['MX-6 warn'], says: 'Give mx its certificate' },
  {
    slug: 'certified',
    certificateFor: 'box.other.test',
    finds: ['MX-6 warn'],
    says: 'Get a certificate for mail.certified.red.test.',
  },
  {
    slug: 'relay',
    script: greetAs('mail.relay.red.test', () => undefined),
    finds: ['NET-3 fix'],
    says: 'Close port 25 until it is mended',
  },
  {
    slug: 'relay-for-us',
    // Whoever says a name of ours as sender may send anywhere: the commonest hole.
    script: greetAs('mail.relay-for-us.red.test', ({ phase, line }) =>
      phase === 'mail' && !line.includes('postmaster@relay-for-us') ? '550 5.7.1 No' : undefined,
    ),
    finds: ['NET-3 fix'],
    says: 'Close port 25 until it is mended',
  },
  {
    slug: 'proxied',
    mx: '@ MX 10 mx\nmx A 203.0.113.7',
    closed: true,
    web: true,
    finds: ['MX-4 fix'],
    says: 'Turn proxying off for mx.proxied.red.test; mail cannot pass an HTTP proxy.',
  },
];

const zones: string[] = [
  'zone red.test\n@ NS ns\nns A 127.0.0.53',
  'zone far.test\n@ MX 10 mx\nmx A 198.51.100.25\nzone blocked.test\n@ MX 10 mx\nmx A 198.51.100.26',
  `zone 2.0.192.in-addr.arpa\n${DOORS.map(({ slug }, i) => `${i + 1} PTR mail.${slug}.red.test.`).join('\n')}`,
];
const far = world.use(await startSmtpHost());
const map = [`198.51.100.25:25=127.0.0.1:${far.port}`, `198.51.100.26:25=127.0.0.1:${closed}`];
const messages: (() => number)[] = [];
for (const [index, door] of DOORS.entries()) {
  const domain = `${door.slug}.red.test`;
  const address = `192.0.2.${index + 1}`;
  zones.push(
    zoneText(domain, { ...goodGroups(domain, address), ...(door.mx === undefined ? {} : { mx: door.mx }) }),
  );
  const name = door.certificateFor ?? `mail.${domain}`;
  const issued = await world.authority.issue([name]);
  certificates.set(name, { cert: issued.certificate, key: issued.key });
  const host = world.use(
    await startSmtpHost({
      script: door.script ?? greetAs(`mail.${domain}`, refuse),
      ...(door.clear === true ? {} : { tls: { cert: issued.certificate, key: issued.key } }),
    }),
  );
  messages.push(() => host.messages.length + host.lines.filter(({ line }) => line === 'DATA').length);
  const at = door.mx === undefined ? address : '203.0.113.7';
  map.push(
    `${at}:25=127.0.0.1:${door.closed === true ? closed : host.port}`,
    `${at}:443=127.0.0.1:${door.web === true ? host.port : closed}`,
  );
}
const resolver = await world.dns(zones.join('\n'));
map.push(`127.0.0.53:53=${resolver}`);
const env = {
  WAYBILL_DNS_SERVERS: resolver,
  WAYBILL_LAB_PORT_MAP: map.join(','),
  WAYBILL_OPS: await world.ops(0),
};

const [all, troubled] = await Promise.all([
  world.waybill(
    ['doctor', '--json', '--outbound', 'far.test', ...DOORS.map(({ slug }) => `${slug}.red.test`)],
    env,
  ),
  world.waybill(['doctor', '--json', '--outbound', 'blocked.test', 'well.red.test'], {
    ...env,
    WAYBILL_OPS: await world.ops(1),
    WAYBILL_DOCTOR_PROC: world.proc('exim4'),
  }),
]);

for (const door of DOORS)
  test(`a door that is ${door.slug} → ${door.finds.join(', ') || 'nothing'}: ${door.says}`, () => {
    assert.equal(all.err, '');
    const report = reports(all.out).get(`${door.slug}.red.test`);
    assert.ok(report);
    assert.deepEqual(unwell(report), door.finds);
    const [id] = door.finds[0]?.split(' ') ?? [];
    const said = report.results.find((one) => one.id === id)?.fix?.text ?? '';
    assert.ok(said.startsWith(door.says), said);
  });

test('a door that is well leaves nothing untold, and no message was begun at any', () => {
  const report = reports(all.out).get('well.red.test');
  const told = report?.results
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ id, means }) => `${id}: ${means}`);
  // One command for many hosts: that it was not told the name of one is all that it misses.
  assert.deepEqual(
    told?.filter((one) => !one.startsWith('HOST-1: The name of the mail host is not known here')),
    [],
  );
  assert.deepEqual(
    messages.map((count) => count()),
    messages.map(() => 0),
  );
});

test('blocked ways out, lost client addresses and a port that exim holds are told with their fixes', () => {
  const report = reports(troubled.out).get('well.red.test');
  assert.ok(report);
  assert.deepEqual(unwell(report), ['NET-1 fix', 'NET-2 fix', 'NET-4 fix']);
  const text = (id: string): string => report.results.find((one) => one.id === id)?.fix?.text ?? '';
  assert.match(text('NET-1'), /Your provider blocks it\. Ask for unblocking or set WAYBILL_RELAY_URL=/);
  assert.match(text('NET-2'), /WAYBILL_PROXY_FROM/);
  assert.match(text('NET-4'), /systemctl disable --now exim4/);
  assert.match(
    report.results.find(({ id }) => id === 'NET-4')?.means ?? '',
    /`exim4` \(pid 99\) holds port 25/,
  );
  assert.equal(troubled.code, 4);
});
