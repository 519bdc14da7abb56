/** What the phases of a conversation ask and count by: the same for all conversations of a door. */
import type { BanWatch } from '@waybill/auth-client';
import type { Networks } from '@waybill/listener';
import type { SenderChecks } from '@waybill/mail-auth';
import type { Policy } from '../phases/verdict.ts';
import type { DnsLists } from './dns-lists.ts';
import type { LostAddress } from './lost-address.ts';
import type { Rates } from './rates.ts';

export interface Gate {
  readonly checks: SenderChecks;
  readonly lists: DnsLists;
  readonly lost: LostAddress;
  readonly bans: Pick<BanWatch, 'banOf'>;
  readonly connections: Rates;
  readonly messages: Rates;
  /** Whom rates do not bind. */
  readonly unlimited: Networks;
  readonly policy: Policy;
  /** How long the answers of DNS are waited for after a message's last octet, ms. */
  readonly patienceMs: number;
}
