import { differences } from '@waybill/dns/inspect';
import { CLIENT_CHECKS } from './checks/client.ts';
import { DKIM_CHECKS } from './checks/dkim.ts';
import { DMARC_CHECKS } from './checks/dmarc.ts';
import { HOST_CHECKS } from './checks/host.ts';
import { MX_CHECKS } from './checks/mx.ts';
import { NETWORK_CHECKS } from './checks/network.ts';
import { PTR_CHECKS } from './checks/ptr.ts';
import { SPF_CHECKS } from './checks/spf.ts';
import { ZONE_CHECKS } from './checks/zone.ts';
import type { Facts } from './facts.ts';
import type { Check, Finding } from './finding.ts';

/** Every check, in the order in which a person mends things. */
export const CHECKS: readonly Check[] = [
  ...ZONE_CHECKS,
  ...HOST_CHECKS,
  ...MX_CHECKS,
  ...NETWORK_CHECKS,
  ...PTR_CHECKS,
  ...SPF_CHECKS,
  ...DKIM_CHECKS,
  ...DMARC_CHECKS,
  ...CLIENT_CHECKS,
];

/** One line of the doctor's report. */
export interface Result extends Omit<Finding, 'seen'> {
  readonly id: string;
  readonly title: string;
  readonly level: Check['level'];
  /** Where servers differ: what is live already, and what is still remembered. */
  readonly notes: readonly string[];
}

export function examine(facts: Facts, checks: readonly Check[] = CHECKS): Result[] {
  return checks.map(({ id, title, level, look }) => {
    const { seen, ...finding } = look(facts);
    return { id, title, level, ...finding, notes: [...new Set(seen.flatMap(differences))] };
  });
}

/** Whether a person has something to do. */
export function allGood(results: readonly Result[]): boolean {
  return results.every(({ verdict }) => verdict === 'ok' || verdict === 'cannot tell');
}
