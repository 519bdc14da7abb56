/** Hello: the client's name is checked against its address, and shows whether addresses still tell clients apart. */
import type { Client, Spf } from '@waybill/mail-auth';
import type { Gate } from '../gate/gate.ts';

export interface HelloInquiry {
  readonly helo: string;
  /** Who is asked about: without an address where it says nothing. */
  readonly client: Client;
  /** SPF of the name, asked for once; never rejects. */
  readonly spf: () => Promise<Spf>;
}

/** RFC 7208 §2.3: HELO is always checked. */
export function inquireHello({ checks, lost }: Gate, address: string, helo: string): HelloInquiry {
  const client: Client = { address: lost.hides(address) ? undefined : address, helo };
  let asked: Promise<Spf> | undefined;
  return { helo, client, spf: () => (asked ??= checks.spf(client, '', 'helo')) };
}
