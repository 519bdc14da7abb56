import assert from 'node:assert/strict';
import test, { after, describe } from 'node:test';
import { readSuite } from '@waybill/lab';
import { parseAllDocuments } from 'yaml';
import { openSenderChecks } from '../src/index.ts';
import { type Zone, type ZoneRecord, ZoneNames } from './zone-names.ts';

/** Every case of the public RFC 7208 suite, as its authors wrote it. */
interface Case {
  readonly helo: string;
  readonly host: string;
  readonly mailfrom: string;
  readonly result: string | readonly string[];
  readonly explanation?: string;
}
interface Section {
  readonly description: string;
  readonly tests: Readonly<Record<string, Case>>;
  readonly zonedata: Readonly<Record<string, readonly (string | Readonly<Record<string, unknown>>)[]>>;
}

const CASES = 203;
const text = readSuite('spf/rfc7208-tests.yml');
if (text !== undefined) {
  let passed = 0;
  const sections = parseAllDocuments(text).map((one) => one.toJS() as Section);
  for (const { description, tests, zonedata } of sections)
    describe(description, () => {
      for (const [name, { helo, host, mailfrom, result, explanation }] of Object.entries(tests))
        test(name, async () => {
          const checks = openSenderChecks(new ZoneNames(zoneOf(zonedata)), { hostname: 'mx.red.test' });
          const spf = await checks.spf({ address: host, helo }, mailfrom, 'mailfrom');
          assert.ok([result].flat().includes(spf.result), `${spf.result}: ${spf.comment}`);
          if (spf.result === 'fail' && explanation !== undefined)
            assert.equal(spf.explanation ?? 'DEFAULT', explanation);
          passed++;
        });
    });
  after(() => {
    console.log(`RFC 7208 suite: ${passed} of ${CASES}`);
    assert.equal(passed, CASES);
  });
}

/** What the suite calls SPF is published as TXT, unless the name says what TXT holds. */
function zoneOf(zonedata: Section['zonedata']): Zone {
  const zone: Record<string, readonly ZoneRecord[]> = {};
  for (const [name, records] of Object.entries(zonedata)) {
    const entries = records.flatMap((one): (readonly [string, unknown])[] =>
      typeof one === 'string' ? [['TIMEOUT', undefined]] : Object.entries(one),
    );
    const ownTexts = entries.some(([type]) => type === 'TXT');
    zone[name] = entries.flatMap(([type, data]): ZoneRecord[] => {
      if (type === 'TIMEOUT') return ['TIMEOUT'];
      if (type === 'SPF') return ownTexts ? [] : [['TXT', [data].flat().join('')]];
      if (type === 'TXT') return data === 'NONE' ? [] : [['TXT', [data].flat().join('')]];
      if (type === 'MX') {
        const [preference, exchange] = data as [number, string];
        return [['MX', { preference, exchange: exchange.toLowerCase() }]];
      }
      return [[type as 'A', data]];
    });
  }
  return zone;
}
