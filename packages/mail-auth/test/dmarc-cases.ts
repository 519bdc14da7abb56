/** Who is aligned with whom, and whose policy counts: RFC 9989 as a table. */
import type { Dmarc } from '../src/index.ts';

export interface DmarcCase {
  readonly what: string;
  /** `_dmarc` records by domain; `TIMEOUT` for a name that is silent; several are published together. */
  readonly records: Readonly<Record<string, string | readonly string[]>>;
  readonly from: string;
  /** The domain that SPF passed for, or another result in front: `temperror:red.test`. */
  readonly spf?: string;
  readonly dkim?: readonly string[];
  readonly expect: Pick<Dmarc, 'result'> &
    Partial<Pick<Dmarc, 'policy' | 'policyDomain'>> & { readonly aligned?: string };
  /** Names that exist beside those with records. */
  readonly exists?: readonly string[];
}

const REJECT = 'v=DMARC1; p=reject';
const QUARANTINE = 'v=DMARC1; p=quarantine';

export const CASES: readonly DmarcCase[] = [
  // RFC 9989 §4.10: the steps of the walk, by the RFC's own names.
  {
    what: 'a.mail.example.com finds example.com, though mail.example.com lies between',
    records: { 'mail.example.com': QUARANTINE, 'example.com': REJECT },
    from: 'a.mail.example.com',
    spf: 'example.com',
    expect: { result: 'pass', policy: 'reject', policyDomain: 'example.com', aligned: 'spf' },
  },
  {
    what: 'psd=n at mail.example.com makes that the organisation',
    records: { 'mail.example.com': `${QUARANTINE}; psd=n`, 'example.com': REJECT },
    from: 'a.mail.example.com',
    spf: 'example.com',
    expect: { result: 'fail', policy: 'quarantine', policyDomain: 'mail.example.com' },
  },
  {
    what: 'and what lies below that organisation is aligned',
    records: { 'mail.example.com': `${QUARANTINE}; psd=n`, 'example.com': REJECT },
    from: 'a.mail.example.com',
    dkim: ['b.mail.example.com'],
    expect: { result: 'pass', policyDomain: 'mail.example.com', aligned: 'dkim' },
  },
  {
    what: 'psd=y at com makes example.com the organisation, under the policy of com',
    records: { com: `${REJECT}; psd=y` },
    from: 'a.mail.example.com',
    spf: 'example.com',
    expect: { result: 'pass', policy: 'reject', policyDomain: 'com', aligned: 'spf' },
  },
  {
    what: 'two organisations of one public suffix are not aligned',
    records: { com: `${REJECT}; psd=y` },
    from: 'example.com',
    spf: 'other.com',
    expect: { result: 'fail', policy: 'reject', policyDomain: 'com' },
  },
  {
    what: 'psd=y where the walk begins does not make a domain its own suffix',
    records: { 'gov.test': `${REJECT}; psd=y` },
    from: 'gov.test',
    spf: 'gov.test',
    expect: { result: 'pass', policyDomain: 'gov.test', aligned: 'spf' },
  },
  {
    what: 'what has a record of its own does not take that of its public suffix',
    records: { 'example.com': 'v=DMARC1; p=none', com: `${REJECT}; psd=y` },
    from: 'example.com',
    expect: { result: 'fail', policy: 'none', policyDomain: 'example.com' },
  },
  {
    what: 'a name of thirteen labels: itself and the last seven are asked for',
    records: { 'g.h.i.j.mail.example.com': QUARANTINE, 'example.com': REJECT },
    from: 'a.b.c.d.e.f.g.h.i.j.mail.example.com',
    dkim: ['example.com'],
    expect: { result: 'pass', policyDomain: 'example.com', aligned: 'dkim' },
  },
  {
    what: 'what lies between is never found, even with psd=n',
    records: { 'b.c.d.e.f.g.example.com': `${QUARANTINE}; psd=n`, 'example.com': REJECT },
    from: 'mail.a.b.c.d.e.f.g.example.com',
    expect: { result: 'fail', policy: 'reject', policyDomain: 'example.com' },
  },
  // RFC 9989 §4.4, §4.10.2: alignment.
  {
    what: 'relaxed: a subdomain of the author signs',
    records: { 'red.test': REJECT },
    from: 'red.test',
    dkim: ['mail.red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  {
    what: 'relaxed: the parent of the author signs',
    records: { 'red.test': REJECT },
    from: 'news.red.test',
    dkim: ['red.test'],
    expect: { result: 'pass', policy: 'reject', policyDomain: 'red.test', aligned: 'dkim' },
  },
  {
    what: 'relaxed: a sibling of the author sends',
    records: { 'red.test': REJECT },
    from: 'news.red.test',
    spf: 'bounce.red.test',
    expect: { result: 'pass', aligned: 'spf' },
  },
  {
    what: 'strict: a subdomain signs, adkim=s',
    records: { 'red.test': `${REJECT}; adkim=s` },
    from: 'red.test',
    dkim: ['mail.red.test'],
    expect: { result: 'fail', policy: 'reject' },
  },
  {
    what: 'strict: the domain itself signs, adkim=s',
    records: { 'red.test': `${REJECT}; adkim=s` },
    from: 'red.test',
    dkim: ['red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  {
    what: 'strict: a subdomain sends, aspf=s',
    records: { 'red.test': `${REJECT}; aspf=s` },
    from: 'red.test',
    spf: 'bounce.red.test',
    expect: { result: 'fail' },
  },
  {
    what: 'strict SPF says nothing about DKIM',
    records: { 'red.test': `${REJECT}; aspf=s` },
    from: 'red.test',
    spf: 'bounce.red.test',
    dkim: ['mail.red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  {
    what: 'SPF and DKIM both speak for it',
    records: { 'red.test': REJECT },
    from: 'red.test',
    spf: 'red.test',
    dkim: ['red.test'],
    expect: { result: 'pass', aligned: 'spf dkim' },
  },
  {
    what: 'one of several signatures is enough',
    records: { 'red.test': REJECT },
    from: 'red.test',
    dkim: ['list.test', 'fail:red.test', 'red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  {
    what: 'others pass, nobody speaks for the author',
    records: { 'red.test': REJECT },
    from: 'red.test',
    spf: 'evil.test',
    dkim: ['evil.test'],
    expect: { result: 'fail', policy: 'reject', policyDomain: 'red.test' },
  },
  {
    what: 'a name that ends alike is another',
    records: { 'red.test': REJECT },
    from: 'red.test',
    spf: 'infrared.test',
    dkim: ['ed.test'],
    expect: { result: 'fail' },
  },
  {
    what: 'case makes no difference',
    records: { 'red.test': REJECT },
    from: 'RED.Test',
    dkim: ['Red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  // RFC 9989 §4.10.1: whose policy, and which.
  {
    what: 'no record anywhere',
    records: {},
    from: 'red.test',
    spf: 'red.test',
    expect: { result: 'none' },
  },
  {
    what: 'sp= for a subdomain that exists',
    records: { 'red.test': `${REJECT}; sp=quarantine; np=reject` },
    exists: ['news.red.test'],
    from: 'news.red.test',
    expect: { result: 'fail', policy: 'quarantine', policyDomain: 'red.test' },
  },
  {
    what: 'np= for one that does not',
    records: { 'red.test': `v=DMARC1; p=none; sp=none; np=reject` },
    from: 'nobody.red.test',
    expect: { result: 'fail', policy: 'reject', policyDomain: 'red.test' },
  },
  {
    what: 'without np= sp= counts for it, too',
    records: { 'red.test': `${REJECT}; sp=quarantine` },
    from: 'nobody.red.test',
    expect: { result: 'fail', policy: 'quarantine' },
  },
  {
    what: 'without either p= counts',
    records: { 'red.test': QUARANTINE },
    from: 'nobody.red.test',
    expect: { result: 'fail', policy: 'quarantine' },
  },
  {
    what: 'sp= is not for the domain itself',
    records: { 'red.test': `${QUARANTINE}; sp=none` },
    from: 'red.test',
    expect: { result: 'fail', policy: 'quarantine' },
  },
  {
    what: 't=y asks for one step less: quarantine',
    records: { 'red.test': `${REJECT}; t=y` },
    from: 'red.test',
    expect: { result: 'fail', policy: 'quarantine' },
  },
  {
    what: 't=y asks for one step less: nothing',
    records: { 'red.test': `${QUARANTINE}; t=y` },
    from: 'red.test',
    expect: { result: 'fail', policy: 'none' },
  },
  {
    what: 'pct= of an older RFC changes nothing',
    records: { 'red.test': `${REJECT}; pct=0` },
    from: 'red.test',
    expect: { result: 'fail', policy: 'reject' },
  },
  // RFC 9989 §4.7, §4.10: records that do not count.
  {
    what: 'more than one record is none',
    records: { 'red.test': [REJECT, QUARANTINE] },
    from: 'red.test',
    expect: { result: 'none' },
  },
  {
    what: 'other texts beside it do not count',
    records: { 'red.test': ['v=spf1 -all', REJECT, 'v=DMARC2; p=none'] },
    from: 'red.test',
    expect: { result: 'fail', policy: 'reject' },
  },
  {
    what: 'v= must be first, and exactly so',
    records: { 'red.test': ['p=reject; v=DMARC1', 'v=dmarc1; p=reject'] },
    from: 'red.test',
    expect: { result: 'none' },
  },
  {
    what: 'blanks and cases that are allowed',
    records: { 'red.test': 'v = DMARC1 ;P= Reject ; ADKIM=S ;' },
    from: 'red.test',
    dkim: ['mail.red.test'],
    expect: { result: 'fail', policy: 'reject' },
  },
  {
    what: 'a tag twice makes it none',
    records: { 'red.test': 'v=DMARC1; p=none; p=reject' },
    from: 'red.test',
    expect: { result: 'none' },
  },
  {
    what: 'without p= and with someone to report to it is p=none',
    records: { 'red.test': 'v=DMARC1; rua=mailto:d@red.test' },
    from: 'red.test',
    expect: { result: 'fail', policy: 'none' },
  },
  {
    what: 'an invalid sp= and someone to report to, likewise',
    records: { 'red.test': `${REJECT}; sp=maybe; rua=mailto:d@red.test` },
    from: 'red.test',
    expect: { result: 'fail', policy: 'none' },
  },
  {
    what: 'an invalid p= and nobody to report to: nothing applies',
    records: { 'red.test': 'v=DMARC1; p=bounce; rua=d@red.test' },
    from: 'red.test',
    expect: { result: 'none' },
  },
  {
    what: 'p= left out and nobody to report to: nothing applies',
    records: { 'red.test': 'v=DMARC1' },
    from: 'red.test',
    expect: { result: 'none' },
  },
  // RFC 9989 §5.3.6: DNS that does not say is neither pass nor fail.
  {
    what: 'the author’s record is not told',
    records: { 'red.test': 'TIMEOUT' },
    from: 'red.test',
    spf: 'red.test',
    expect: { result: 'temperror' },
  },
  {
    what: 'a record above is not told',
    records: { 'red.test': 'TIMEOUT' },
    from: 'news.red.test',
    spf: 'news.red.test',
    expect: { result: 'temperror' },
  },
  {
    what: 'SPF of the author’s domain is not told, and nothing else speaks for it',
    records: { 'red.test': REJECT },
    from: 'red.test',
    spf: 'temperror:red.test',
    expect: { result: 'temperror', policy: 'reject' },
  },
  {
    what: 'the author’s key is not told',
    records: { 'red.test': REJECT },
    from: 'red.test',
    dkim: ['temperror:mail.red.test'],
    expect: { result: 'temperror', policy: 'reject' },
  },
  {
    what: 'which signatures there are is not known',
    records: { 'red.test': REJECT },
    from: 'red.test',
    dkim: ['temperror:'],
    expect: { result: 'temperror' },
  },
  {
    what: 'the key of a stranger is not told: that changes nothing',
    records: { 'red.test': REJECT },
    from: 'red.test',
    dkim: ['temperror:list.test'],
    expect: { result: 'fail', policy: 'reject' },
  },
  {
    what: 'one is not told, another passes',
    records: { 'red.test': REJECT },
    from: 'red.test',
    spf: 'temperror:red.test',
    dkim: ['red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  {
    what: 'whose organisation it is is not told, and the domain itself signs',
    records: { 'red.test': REJECT, test: 'TIMEOUT' },
    from: 'red.test',
    dkim: ['red.test', 'mail.red.test'],
    expect: { result: 'pass', aligned: 'dkim' },
  },
  {
    what: 'whose organisation it is is not told, and a subdomain signs',
    records: { 'red.test': REJECT, test: 'TIMEOUT' },
    from: 'red.test',
    dkim: ['mail.red.test'],
    expect: { result: 'temperror', policy: 'reject' },
  },
  {
    what: 'softfail, neutral, none and permerror speak for nobody',
    records: { 'red.test': REJECT },
    from: 'red.test',
    spf: 'softfail:red.test',
    dkim: ['permerror:red.test', 'policy:red.test', 'neutral:red.test'],
    expect: { result: 'fail', policy: 'reject' },
  },
];
