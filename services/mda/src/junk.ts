/** Whether mx has judged a message junk: its word is the first field of all, brought by an agent of ours. Pure. */
import type { Peer } from '@waybill/smtp/server';

/**
 * As mx writes it, octet for octet. Nothing may stand before it: what a stranger or a writer put into a message
 * stands below the trace field of the agent that took it.
 */
const VERDICT = Buffer.from('X-Waybill-Verdict: junk;', 'latin1');

/** A foreign MTA's word for it does not count: its own filters, or the reader's, decide. */
export function isJunk(octets: Buffer, peer: Pick<Peer, 'agent' | 'tls'>): boolean {
  return (
    peer.agent !== undefined && peer.tls !== undefined && octets.subarray(0, VERDICT.length).equals(VERDICT)
  );
}
