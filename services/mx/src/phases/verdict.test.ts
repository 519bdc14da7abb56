import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dkim, Dmarc, Spf } from '@waybill/mail-auth';
import type { Facts } from './facts.ts';
import { DEFAULT_POLICY, mildest, type Policy, verdict } from './verdict.ts';

const spf = (result: Spf['result'], more: Partial<Spf> = {}): Spf => ({
  result,
  domain: 'bank.test',
  identity: 'mailfrom',
  mechanism: undefined,
  explanation: undefined,
  lookups: 1,
  comment: '',
  ...more,
});
const dkim = (result: Dkim['result']): Dkim => ({
  result,
  domain: 'bank.test',
  selector: 's1',
  algorithm: 'rsa-sha256',
  testing: false,
  comment: '',
});
const dmarc = (result: Dmarc['result'], policy?: Dmarc['policy'], more: Partial<Dmarc> = {}): Dmarc => ({
  result,
  from: 'bank.test',
  policyDomain: policy === undefined ? undefined : 'bank.test',
  policy,
  aligned: { spf: false, dkim: false },
  comment: '',
  ...more,
});

interface Case {
  readonly spf?: Spf | Spf['result'];
  readonly dkim?: readonly Dkim['result'][];
  readonly dmarc?: Dmarc;
  readonly blocked?: readonly string[];
  readonly allowed?: readonly string[];
  readonly hidden?: boolean;
  readonly address?: string;
  readonly authors?: number;
  readonly policy?: Partial<Policy>;
}

function facts(one: Case): Facts {
  const checked = typeof one.spf === 'object' ? one.spf : spf(one.spf ?? 'none');
  return {
    address: one.hidden === true ? undefined : (one.address ?? '203.0.113.9'),
    iprev: { result: 'fail', name: undefined, comment: '' },
    helo: spf('none', { identity: 'helo' }),
    spf: checked,
    dkim: (one.dkim ?? []).map(dkim),
    dmarc: one.dmarc ?? dmarc('none'),
    lists: { blocked: one.blocked ?? [], allowed: one.allowed ?? [] },
    authors: one.authors ?? 1,
  };
}

/** As `action`, with the code where it is refused. */
function judge(one: Case): string {
  const found = verdict(facts(one), { ...DEFAULT_POLICY, ...one.policy });
  return 'reply' in found ? `${found.action} ${found.reply.code} ${found.reply.enhanced}` : found.action;
}

const rejects = dmarc('fail', 'reject');
const quarantines = dmarc('fail', 'quarantine');
const strict = { spfFail: 'reject' } as const;
const cautious = { trouble: 'defer-all' } as const;

// What is known, and what follows. The first column says why the row is there.
const TABLE: readonly (readonly [string, Case, string])[] = [
  // Nothing against it.
  ['nothing known', {}, 'accept'],
  ['SPF alone', { spf: 'pass' }, 'accept'],
  ['DKIM alone', { dkim: ['pass'] }, 'accept'],
  ['a broken signature is as none (RFC 6376 §6.1)', { dkim: ['fail'] }, 'accept'],
  ['signature of a key that cannot be read', { dkim: ['permerror'] }, 'accept'],
  ['DMARC passes', { spf: 'pass', dkim: ['pass'], dmarc: dmarc('pass', 'reject') }, 'accept'],
  [
    'DMARC passes by DKIM, SPF fails: forwarded',
    { spf: 'fail', dkim: ['pass'], dmarc: dmarc('pass', 'reject') },
    'accept',
  ],
  ['DMARC fails, its owner only watches', { spf: 'fail', dmarc: dmarc('fail', 'none') }, 'accept'],
  [
    'DMARC passes, DKIM of another has trouble',
    { spf: 'pass', dkim: ['temperror'], dmarc: dmarc('pass', 'reject') },
    'accept',
  ],
  // DMARC, the owner says reject.
  ['forged, nothing signed', { spf: 'fail', dmarc: rejects }, 'reject 550 5.7.1'],
  ['forged, SPF and DKIM fail', { spf: 'fail', dkim: ['fail'], dmarc: rejects }, 'reject 550 5.7.26'],
  [
    'softfail and a bad signature',
    { spf: 'softfail', dkim: ['permerror'], dmarc: rejects },
    'reject 550 5.7.26',
  ],
  ['SPF passes for another domain', { spf: 'pass', dmarc: rejects }, 'reject 550 5.7.1'],
  ['both pass for other domains', { spf: 'pass', dkim: ['pass'], dmarc: rejects }, 'reject 550 5.7.1'],
  ['SPF says nothing', { spf: 'neutral', dkim: ['fail'], dmarc: rejects }, 'reject 550 5.7.1'],
  ['SPF record is broken', { spf: 'permerror', dkim: ['fail'], dmarc: rejects }, 'reject 550 5.7.26'],
  ['our domain prefers Junk', { spf: 'fail', dmarc: rejects, policy: { onReject: 'junk' } }, 'junk'],
  ['our domain wants all', { spf: 'fail', dmarc: rejects, policy: { onReject: 'accept' } }, 'accept'],
  // DMARC, the owner says quarantine.
  ['quarantine is Junk', { spf: 'fail', dmarc: quarantines }, 'junk'],
  [
    'quarantine may be refused',
    { spf: 'fail', dmarc: quarantines, policy: { onQuarantine: 'reject' } },
    'reject 550 5.7.1',
  ],
  [
    'quarantine refused, both fail',
    { spf: 'fail', dkim: ['fail'], dmarc: quarantines, policy: { onQuarantine: 'reject' } },
    'reject 550 5.7.26',
  ],
  [
    'quarantine may be taken',
    { spf: 'fail', dmarc: quarantines, policy: { onQuarantine: 'accept' } },
    'accept',
  ],
  // DNS trouble: never a pass, never for good.
  ['no DMARC answer', { dmarc: dmarc('temperror') }, 'accept'],
  ['no DMARC answer, everything waits', { dmarc: dmarc('temperror'), policy: cautious }, 'defer 451 4.7.1'],
  [
    'no DMARC answer though SPF passes, everything waits',
    { spf: 'pass', dmarc: dmarc('temperror'), policy: cautious },
    'defer 451 4.7.1',
  ],
  [
    'SPF trouble under p=reject',
    { spf: 'temperror', dmarc: dmarc('temperror', 'reject') },
    'defer 451 4.7.24',
  ],
  [
    'DKIM trouble under p=reject',
    { spf: 'fail', dkim: ['temperror'], dmarc: dmarc('temperror', 'reject') },
    'defer 451 4.7.1',
  ],
  [
    'one signature bad, one in trouble',
    { spf: 'fail', dkim: ['fail', 'temperror'], dmarc: dmarc('temperror', 'reject') },
    'defer 451 4.7.1',
  ],
  [
    'trouble under quarantine',
    { spf: 'temperror', dmarc: dmarc('temperror', 'quarantine') },
    'defer 451 4.7.24',
  ],
  // Of what could not have spoken for the author nothing is waited for: its DNS may never answer.
  ['SPF trouble of another domain, p=reject', { spf: 'temperror', dmarc: rejects }, 'reject 550 5.7.1'],
  [
    'DKIM trouble of another domain, quarantine',
    { spf: 'fail', dkim: ['temperror'], dmarc: quarantines },
    'junk',
  ],
  ['trouble where the owner only watches', { spf: 'temperror', dmarc: dmarc('fail', 'none') }, 'accept'],
  ['trouble known to be harmless', { spf: 'temperror', dmarc: dmarc('temperror', 'none') }, 'accept'],
  ['trouble without DMARC', { spf: 'temperror', dkim: ['temperror'] }, 'accept'],
  [
    'trouble may be taken',
    { spf: 'temperror', dmarc: dmarc('temperror', 'reject'), policy: { trouble: 'accept' } },
    'accept',
  ],
  ['no DMARC answer may be taken', { dmarc: dmarc('temperror'), policy: { trouble: 'accept' } }, 'accept'],
  [
    'trouble for a domain that takes all',
    { spf: 'temperror', dmarc: rejects, policy: { onReject: 'accept' } },
    'accept',
  ],
  // SPF by itself, where a site wants that.
  ['SPF fails, nothing is asked', { spf: 'fail' }, 'accept'],
  ['SPF fails, the site refuses', { spf: 'fail', policy: strict }, 'reject 550 5.7.23'],
  ['SPF fails, the site doubts', { spf: 'fail', policy: { spfFail: 'junk' } }, 'junk'],
  ['softfail is no fail', { spf: 'softfail', policy: strict }, 'accept'],
  [
    'SPF fails, DMARC passes by DKIM',
    { spf: 'fail', dkim: ['pass'], dmarc: dmarc('pass', 'none'), policy: strict },
    'accept',
  ],
  [
    'SPF fails, DKIM alone does not help',
    { spf: 'fail', dkim: ['pass'], policy: strict },
    'reject 550 5.7.23',
  ],
  ['SPF trouble where SPF counts', { spf: 'temperror', policy: strict }, 'defer 451 4.7.24'],
  ['SPF trouble where it only makes doubtful', { spf: 'temperror', policy: { spfFail: 'junk' } }, 'accept'],
  ['SPF trouble taken', { spf: 'temperror', policy: { ...strict, trouble: 'accept' } }, 'accept'],
  ['SPF and DMARC: DMARC answers first', { spf: 'fail', dmarc: rejects, policy: strict }, 'reject 550 5.7.1'],
  [
    'SPF refuses what DMARC would file in Junk',
    { spf: 'fail', dmarc: quarantines, policy: strict },
    'reject 550 5.7.23',
  ],
  // Lists.
  ['listed', { blocked: ['zen.test'] }, 'reject 554 5.7.1'],
  [
    'listed, though all passes',
    { blocked: ['zen.test'], spf: 'pass', dmarc: dmarc('pass', 'reject') },
    'reject 554 5.7.1',
  ],
  ['listed and welcome', { blocked: ['zen.test'], allowed: ['dnswl.test'] }, 'accept'],
  ['welcome does not forge', { allowed: ['dnswl.test'], spf: 'fail', dmarc: rejects }, 'reject 550 5.7.1'],
  [
    'listed during trouble: refused all the same',
    { blocked: ['zen.test'], dmarc: dmarc('temperror') },
    'reject 554 5.7.1',
  ],
  // Authors.
  ['two authors of two domains', { dmarc: dmarc('permerror', undefined, { from: undefined }) }, 'junk'],
  [
    'two authors, a domain that takes all',
    { dmarc: dmarc('permerror', undefined, { from: undefined }), policy: { onReject: 'accept' } },
    'accept',
  ],
  ['no author at all', { authors: 0, dmarc: dmarc('permerror', undefined, { from: undefined }) }, 'accept'],
  ['a record that nobody can read', { dmarc: dmarc('permerror') }, 'accept'],
  // The client's address is hidden.
  ['hidden and forged: not refused by who cannot see', { hidden: true, dmarc: rejects }, 'junk'],
  ['from a gateway of ours', { address: '172.18.0.1', spf: 'fail', dmarc: rejects }, 'junk'],
  ['from this host', { address: '127.0.0.1', dmarc: rejects }, 'reject 550 5.7.1'],
  ['hidden and signed', { hidden: true, dkim: ['pass'], dmarc: dmarc('pass', 'reject') }, 'accept'],
  ['hidden under quarantine', { hidden: true, dmarc: quarantines }, 'junk'],
  ['hidden: no list counts', { hidden: true, blocked: ['zen.test'] }, 'accept'],
];

for (const [why, known, expected] of TABLE)
  test(`${expected}: ${why}`, () => assert.equal(judge(known), expected));

test('a reason names who asks for it and what was found', () => {
  const found = verdict(facts({ spf: 'fail', dkim: ['fail'], dmarc: rejects }), DEFAULT_POLICY);
  assert.equal(found.reason, 'bank.test asks to reject mail that fails DMARC (SPF fail, DKIM fail)');
});

test('the words of an owner cannot end the reply', () => {
  const said = facts({ spf: spf('fail', { explanation: 'see\r\n250 OK http://x.test' }) });
  const found = verdict(said, { ...DEFAULT_POLICY, spfFail: 'reject' });
  assert.ok('reply' in found && !/[\r\n]/.test(found.reply.lines.join('')));
});

test('of several domains the mildest counts, in each question by itself', () => {
  const careful: Policy = { onReject: 'reject', onQuarantine: 'reject', spfFail: 'junk', trouble: 'defer' };
  const easy: Policy = { onReject: 'junk', onQuarantine: 'junk', spfFail: 'reject', trouble: 'accept' };
  const both: Policy = { onReject: 'junk', onQuarantine: 'junk', spfFail: 'junk', trouble: 'accept' };
  assert.deepEqual(mildest(careful, easy), both);
  assert.deepEqual(mildest(easy, careful), both);
});
