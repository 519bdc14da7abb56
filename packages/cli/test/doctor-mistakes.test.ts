import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { HOST_MISTAKES } from './doctor/mistakes-of-hosts.ts';
import { SENDER_MISTAKES } from './doctor/mistakes-of-senders.ts';
import { goodGroups, reports, ScriptedWorld, unwell, zoneText } from './doctor/scripted-world.ts';

/** A table: mistake → finding → what to do. Each mistake has a domain of its own below red.test; the command is run as people run it. */
const world = await ScriptedWorld.open();
after(() => world[Symbol.asyncDispose]());

const cases = [...HOST_MISTAKES, ...SENDER_MISTAKES].map((mistake, index) => {
  const domain = `${mistake.slug}.red.test`;
  const address = `192.0.2.${index + 1}`;
  const fill = (text: string): string => text.replaceAll('{d}', domain).replaceAll('{a}', address);
  const zone = Object.fromEntries(
    Object.entries({ ...goodGroups(domain, address), ...mistake.zone }).map(([group, lines]) => [
      group,
      fill(lines),
    ]),
  ) as ReturnType<typeof goodGroups>;
  const names = fill(mistake.ptr ?? 'mail.{d}.').split(' ');
  const pointers = names.filter((name) => name !== '').map((name) => `${index + 1} PTR ${name}`);
  return { mistake, domain, fill, zone: zoneText(domain, zone), pointers };
});
const includes = Array.from({ length: 11 }, (_, i) => `include:i${i}.other.test`).join(' ');
const around = `
zone red.test
@ NS ns
ns A 127.0.0.53
lame A 127.0.0.54
late A 127.0.0.55
zone 2.0.192.in-addr.arpa
${cases.flatMap(({ pointers }) => pointers).join('\n')}
zone other.test
web A 198.51.100.1
ok TXT "v=spf1 ip4:198.51.100.0/24 ~all"
many TXT "v=spf1 ${includes} ~all"
${Array.from({ length: 11 }, (_, i) => `i${i} TXT "v=spf1 ip4:198.51.100.${i} ~all"`).join('\n')}
`;
const zones = around + cases.map(({ zone }) => zone).join('\n');
const resolver = await world.dns(zones);
const lame = await world.dns('zone red.test REFUSED');
const late = await world.dns(zones.replaceAll('postmaster@ns-behind', 'before@ns-behind'));
const map = [
  ['127.0.0.53', resolver],
  ['127.0.0.54', lame],
  ['127.0.0.55', late],
].map(([address, place]) => `${address}:53=${place}`);

const ran = await world.waybill(['doctor', '--json', '--no-network', ...cases.map(({ domain }) => domain)], {
  WAYBILL_DNS_SERVERS: resolver,
  WAYBILL_LAB_PORT_MAP: map.join(','),
});
const found = reports(ran.out);

test('there is something to do', () => {
  assert.equal(ran.err, '');
  assert.equal(ran.code, 4);
});

for (const { mistake, domain, fill } of cases)
  test(`${mistake.what} → ${mistake.finds[0]}: ${mistake.says}`, () => {
    const report = found.get(domain);
    assert.ok(report);
    assert.deepEqual(unwell(report).toSorted(), mistake.finds.toSorted());
    const [id] = mistake.finds[0]?.split(' ') ?? [];
    const proposed = report.results.find((one) => one.id === id)?.fix;
    assert.ok(proposed);
    assert.ok(
      proposed.text.startsWith(fill(mistake.says)),
      `said: ${proposed.text}\nwanted: ${fill(mistake.says)}`,
    );
    const wanted = mistake.publishes === undefined ? undefined : fill(mistake.publishes);
    if (wanted !== undefined)
      assert.ok(
        proposed.publish.some(({ zone }) => zone === wanted),
        `to publish: ${JSON.stringify(proposed.publish)}`,
      );
  });
