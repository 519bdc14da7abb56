/** Who has the message once we have said 250: our own spool, or the next machine. */
import type { Handed, Handoff } from '@waybill/smtp/client';
import type { Draft, Kicker, SpoolAccept } from '@waybill/spool';

/** What became of a message. Whoever has it, has committed it. */
export type Kept = { readonly kind: 'spooled' } | Handed;

export interface Custody {
  /** Whether recipients are resolved here; else the next one does, by its own directory. */
  readonly resolves: boolean;
  /** @throws what the spool throws: then nobody has it, as far as anybody can know */
  keep(draft: Draft): Promise<Kept>;
}

/** The textbook's queue: rows in Postgres, and mta is woken. */
export function spoolCustody(spool: SpoolAccept, kicker: Pick<Kicker, 'kick'>): Custody {
  return {
    resolves: true,
    async keep(draft) {
      await spool.accept(draft);
      const destinations = new Set(draft.recipients.map(({ destination }) => destination));
      for (const destination of destinations) kicker.kick(destination);
      return { kind: 'spooled' };
    },
  };
}

/** The textbook's hop: the next machine's SMTP door, whose 250 comes before ours. */
export function handoffCustody(handoff: Pick<Handoff, 'hand'>): Custody {
  return { resolves: false, keep: (draft) => handoff.hand(draft) };
}
