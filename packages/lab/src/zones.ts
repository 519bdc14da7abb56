/** The small world's DNS: two domains of ours, two that nobody may send for (bank.test, news.test), and a few bad ones. */

/** Where the world's port 25 lies: the lab maps these addresses to its own ports. */
export const HOSTS = {
  /** mx.red.test and mx.blue.test; replica i is one further. */
  mx: (replica: number): string => `127.0.2.${replica + 1}`,
  reject: '127.0.4.1',
  slow: '127.0.4.2',
} as const;

/** All zones as text; every replica of mx is an address of both mail hosts. */
export function labZones(mxReplicas: number): string {
  const addresses = Array.from({ length: mxReplicas }, (_, i) => `mx A ${HOSTS.mx(i)}`).join('\n');
  const ours = (domain: string): string => `
zone ${domain}
@    NS  ns
ns   A   127.0.0.1
@    MX  10 mx
@    TXT "v=spf1 mx a:mail.${domain} -all"
_dmarc TXT "v=DMARC1; p=none"
mail A   127.0.0.1
${addresses}
`;
  return `${ours('red.test')}${ours('blue.test')}
zone reject.test
@    MX  10 mx
mx   A   ${HOSTS.reject}

zone slow.test
@    MX  10 mx
mx   A   ${HOSTS.slow}

zone bank.test
@    MX  0 .
@    TXT "v=spf1 -all"
_dmarc TXT "v=DMARC1; p=reject"

zone news.test
@    MX  0 .
@    TXT "v=spf1 -all"
_dmarc TXT "v=DMARC1; p=quarantine"

zone 127.in-addr.arpa
1.0.0 PTR mail.red.test.

zone nullmx.test
@    MX  0 .

zone servfail.test SERVFAIL
`;
}
