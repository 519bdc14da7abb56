/** Settings of the verdict: what is done with mail that fails, which lists are asked, how often a client may come. */
import Type from 'typebox';
import type { Policy } from './phases/verdict.ts';

const doing = (byDefault: 'accept' | 'junk' | 'reject', description: string) =>
  Type.Union([Type.Literal('accept'), Type.Literal('junk'), Type.Literal('reject')], {
    default: byDefault,
    description,
  });

export const VerdictSettings = {
  WAYBILL_DMARC_REJECT: doing(
    'reject',
    'What is done with mail that fails DMARC where its owner asks to reject: reject, junk or accept; a domain of ours may want otherwise',
  ),
  WAYBILL_DMARC_QUARANTINE: doing(
    'junk',
    'The same where its owner asks for quarantine: junk files it in the mailbox Junk',
  ),
  WAYBILL_SPF_FAIL: doing(
    'accept',
    'What is done with mail that fails SPF and has not passed DMARC; more than accept also hits mail that was forwarded',
  ),
  WAYBILL_DNS_TROUBLE: Type.Union(
    [Type.Literal('accept'), Type.Literal('defer'), Type.Literal('defer-all')],
    {
      default: 'defer',
      description:
        'DNS does not answer: defer (451, the client tries again) what a policy that is known might forbid; defer-all also where nobody could say whether there is a policy; or accept',
    },
  ),
  WAYBILL_CHECK_SECONDS: Type.Integer({
    default: 15,
    minimum: 1,
    maximum: 120,
    description:
      'How long the answers of DNS are waited for when a message has come; then they count as trouble',
  }),
  WAYBILL_DNS_BLOCK_LISTS: Type.String({
    default: '',
    description:
      'DNS lists (RFC 5782) whose clients are refused (554 5.7.1), with commas: zone, or zone=127.0.0.2,127.0.0.3 where only some answers count',
  }),
  WAYBILL_DNS_ALLOW_LISTS: Type.String({
    default: '',
    description: 'DNS lists whose clients no block list refuses; written the same way',
  }),
  WAYBILL_CONNECTIONS_PER_MINUTE: Type.Integer({
    default: 300,
    minimum: 0,
    description:
      'Connections of one IPv4 address or IPv6 /64 in a minute, and four times as many of its /24 or /48; 0: no limit. WAYBILL_UNLIMITED_ADDRESSES are not bound',
  }),
  WAYBILL_MESSAGES_PER_MINUTE: Type.Integer({
    default: 600,
    minimum: 0,
    description: 'Messages of one client in a minute (451 4.7.1), counted the same way; 0: no limit',
  }),
  WAYBILL_LOST_ADDRESS_CONNECTIONS: Type.Integer({
    default: 50,
    minimum: 0,
    maximum: 10_000,
    description:
      'An inner address that so many connections come from, with a fifth as many names, hides its clients: it is used for no check and no limit; 0: never',
  }),
};

/** The door's own policy, for domains that have none. */
export function policyFromSettings(config: Readonly<Record<keyof typeof VerdictSettings, unknown>>): Policy {
  return {
    onReject: config.WAYBILL_DMARC_REJECT as Policy['onReject'],
    onQuarantine: config.WAYBILL_DMARC_QUARANTINE as Policy['onQuarantine'],
    spfFail: config.WAYBILL_SPF_FAIL as Policy['spfFail'],
    trouble: config.WAYBILL_DNS_TROUBLE as Policy['trouble'],
  };
}
