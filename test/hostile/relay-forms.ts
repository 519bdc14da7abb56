/**
 * Ways in which a server was talked into carrying a stranger's mail to a stranger: what stands behind RCPT TO:, and
 * what a real mx must say. `us` is a domain of ours; elsewhere.example is nobody's here. At msa the answer to all
 * of them is the same: log in first.
 */
export interface RelayForm {
  readonly to: string;
  readonly reply: string;
}

const RELAYING = '550 5.7.1 ';
const NOBODY = '550 5.1.1 ';
const MALFORMED = '553 5.1.3 ';
const NO_PATH = '501 5.5.4 ';
const OCTETS = '500 5.5.2 ';

const rows: readonly (readonly [string, string])[] = [
  // Plainly foreign, in every dress.
  ['<somebody@elsewhere.example>', RELAYING],
  ['<SOMEBODY@ELSEWHERE.EXAMPLE>', RELAYING],
  ['<SoMeBoDy@ElSeWhErE.eXaMpLe>', RELAYING],
  ['<somebody@sub.elsewhere.example>', RELAYING],
  ['<somebody@localhost>', RELAYING],
  ['<somebody@localhost.localdomain>', RELAYING],
  ['<root@mx.red.test>', RELAYING],
  ['<somebody@com>', RELAYING],
  ['<postmaster@elsewhere.example>', RELAYING],
  ['<abuse@elsewhere.example>', RELAYING],
  ['<MAILER-DAEMON@elsewhere.example>', RELAYING],
  ['<somebody@reject.test>', RELAYING],
  // Names that look like ours.
  ['<alice@red.test.elsewhere.example>', RELAYING],
  ['<alice@sub.red.test>', RELAYING],
  ['<alice@xred.test>', RELAYING],
  ['<alice@red.tes>', RELAYING],
  ['<alice@red.testt>', RELAYING],
  ['<alice@red-test>', RELAYING],
  ['<alice@test>', RELAYING],
  ['<alice@xn--red-test-x.example>', RELAYING],
  ['<somebody@b\xC3\xBCcher.example>', RELAYING],
  ['<alice@r\xC3\xA9d.test>', RELAYING],
  // Address literals.
  ['<somebody@[127.0.0.1]>', RELAYING],
  ['<alice@[127.0.0.1]>', RELAYING],
  ['<somebody@[192.0.2.1]>', RELAYING],
  ['<somebody@[IPv6:::1]>', RELAYING],
  ['<somebody@[IPv6:2001:db8::1]>', RELAYING],
  ['<somebody@[ipv6:::ffff:127.0.0.1]>', RELAYING],
  ['<somebody@127.0.0.1>', RELAYING],
  ['<somebody@2130706433>', RELAYING],
  ['<somebody@0x7f000001>', RELAYING],
  ['<somebody@[2130706433]>', MALFORMED],
  ['<somebody@[127.1]>', MALFORMED],
  ['<somebody@[red.test]>', MALFORMED],
  ['<somebody@[127.0.0.1>', MALFORMED],
  ['<somebody@[]>', MALFORMED],
  // The final dot of the DNS, and other dots.
  ['<somebody@elsewhere.example.>', MALFORMED],
  ['<alice@red.test.>', MALFORMED],
  ['<somebody@.elsewhere.example>', MALFORMED],
  ['<somebody@elsewhere..example>', MALFORMED],
  // Percent, bang and the routes of old.
  ['<somebody%elsewhere.example@red.test>', NOBODY],
  ['<somebody%elsewhere.example@elsewhere.example>', RELAYING],
  ['<somebody%elsewhere.example%red.test@blue.test>', NOBODY],
  ['<somebody%elsewhere.example@[127.0.0.1]>', RELAYING],
  ['<somebody%elsewhere.example@mx.red.test>', RELAYING],
  ['<elsewhere.example!somebody@red.test>', NOBODY],
  ['<red.test!somebody@elsewhere.example>', RELAYING],
  ['<elsewhere.example!somebody>', MALFORMED],
  ['<@red.test:somebody@elsewhere.example>', RELAYING],
  ['<@red.test,@blue.test:somebody@elsewhere.example>', RELAYING],
  ['<@elsewhere.example:nobody@red.test>', NOBODY],
  ['<@[127.0.0.1]:somebody@elsewhere.example>', MALFORMED],
  ['<@red.test:@blue.test:somebody@elsewhere.example>', MALFORMED],
  ['<@red.test>', MALFORMED],
  ['<red.test:somebody@elsewhere.example>', MALFORMED],
  // Quotes around an address, or in the middle of one.
  ['<"somebody@elsewhere.example"@red.test>', NOBODY],
  ['<"somebody@elsewhere.example">', MALFORMED],
  ['<"somebody%elsewhere.example"@red.test>', NOBODY],
  ['<"somebody"@elsewhere.example>', RELAYING],
  ['<"alice@red.test"@elsewhere.example>', RELAYING],
  [String.raw`<"somebody\@elsewhere.example"@red.test>`, NOBODY],
  [String.raw`<somebody\@elsewhere.example@red.test>`, MALFORMED],
  ['<somebody@elsewhere.example@red.test>', MALFORMED],
  ['<somebody@elsewhere.example,nobody@red.test>', MALFORMED],
  ['<somebody@elsewhere.example;nobody@red.test>', MALFORMED],
  ['<""@elsewhere.example>', NOBODY],
  // Comments, spaces, names, two paths.
  ['<somebody@elsewhere.example(red.test)>', MALFORMED],
  ['<somebody(x)@elsewhere.example>', MALFORMED],
  ['<somebody@elsewhere.example >', MALFORMED],
  ['< somebody@elsewhere.example>', MALFORMED],
  ['<somebody @elsewhere.example>', MALFORMED],
  ['<<somebody@elsewhere.example>>', MALFORMED],
  ['Somebody <somebody@elsewhere.example>', MALFORMED],
  ['<somebody@elsewhere.example> <nobody@red.test>', '555 5.5.4 '],
  ['<somebody@elsewhere.example><nobody@red.test>', NO_PATH],
  ['somebody@elsewhere.example', MALFORMED],
  ['<somebody@elsewhere.example', MALFORMED],
  ['somebody@elsewhere.example>', MALFORMED],
  // Octets that no address has.
  ['<somebody@elsewhere.example\0@red.test>', OCTETS],
  ['<nobody@red.test\0elsewhere.example>', OCTETS],
  ['<somebody@elsewhere.example\t>', MALFORMED],
  ['<somebody@elsewhere.example\x7F>', OCTETS],
  ['<somebody@elsewhere.example\xFF>', OCTETS],
  ['<somebody@elsewhere.example> NOTIFY=NEVER', RELAYING],
  ['<somebody@elsewhere.example> ORCPT=rfc822;alice@red.test', RELAYING],
  // Private parameters are no stranger's.
  ['<somebody@elsewhere.example> XACCOUNT=1', '555 5.5.4 '],
  // The way back of forwarded mail, without the hash that only we can make.
  ['<SRS0=AAAA=AA=elsewhere.example=somebody@red.test>', '550 5.'],
  ['<srs0=aaaa=aa=elsewhere.example=somebody@red.test>', '550 5.'],
  ['<SRS0+AAAA=AA=elsewhere.example=somebody@red.test>', '550 5.'],
  ['<SRS0==AA=elsewhere.example=somebody@red.test>', '550 5.'],
  ['<SRS0=AAAA=AA=elsewhere.example=@red.test>', '550 5.'],
  ['<SRS0=AAAA=AA=elsewhere.example@red.test>', '550 5.'],
  ['<SRS1=AAAA=elsewhere.example==HHHH=TT=third.example=somebody@red.test>', '550 5.'],
  ['<SRS0=AAAA=AA=elsewhere.example=somebody@elsewhere.example>', RELAYING],
  // Nothing at all.
  ['<>', MALFORMED],
  ['<@>', MALFORMED],
  ['', MALFORMED],
];

export const RELAY_FORMS: readonly RelayForm[] = rows.map(([to, reply]) => ({ to, reply }));
