import { watchBans, type BanList } from '@waybill/auth-client';
import { Resolver } from '@waybill/dns';
import { Networks } from '@waybill/listener';
import { openSenderChecks } from '@waybill/mail-auth';
import type { MxConfig } from '../config.ts';
import { policyFromSettings } from '../verdict-settings.ts';
import { standIns } from './address-kinds.ts';
import { DnsLists, parseDnsLists } from './dns-lists.ts';
import type { Gate } from './gate.ts';
import { LostAddress } from './lost-address.ts';
import { Rates } from './rates.ts';

/**
 * What the phases ask, from the settings; what watches is closed with the stack.
 * @throws RangeError or Error that names the setting
 */
export function openGate(
  config: MxConfig,
  hostname: string,
  auth: BanList,
  onListTrouble: (zone: string, answer: string) => void,
  stack: AsyncDisposableStack,
): Gate {
  const servers = config.WAYBILL_DNS_SERVERS.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const asked = servers.length === 0 ? {} : { servers };
  const resolver = new Resolver(asked);
  const patienceMs = config.WAYBILL_CHECK_SECONDS * 1000;
  const limits = { timeMs: patienceMs, hostname };
  // What DMARC asks waits in no line with senders' own names: those may be many, and never answer.
  const policies = openSenderChecks(new Resolver(asked), limits);
  return {
    checks: {
      ...openSenderChecks(resolver, limits),
      dmarc: (from, spf, dkim) => policies.dmarc(from, spf, dkim),
    },
    lists: new DnsLists({
      names: resolver,
      block: parseDnsLists('WAYBILL_DNS_BLOCK_LISTS', config.WAYBILL_DNS_BLOCK_LISTS),
      allow: parseDnsLists('WAYBILL_DNS_ALLOW_LISTS', config.WAYBILL_DNS_ALLOW_LISTS),
      onTrouble: onListTrouble,
    }),
    lost: new LostAddress({
      connections: config.WAYBILL_LOST_ADDRESS_CONNECTIONS,
      standIn: standIns(),
    }),
    bans: stack.use(watchBans(auth)),
    connections: new Rates(config.WAYBILL_CONNECTIONS_PER_MINUTE),
    messages: new Rates(config.WAYBILL_MESSAGES_PER_MINUTE),
    unlimited: new Networks(config.WAYBILL_UNLIMITED_ADDRESSES),
    policy: policyFromSettings(config),
    patienceMs,
  };
}
