import { ImapClient, type ImapOptions } from '@waybill/lab';
import type { LedgerRecord } from './ledger-file.ts';

/** Whose mailbox is counted. */
export interface Reader {
  readonly address: string;
  readonly password: string;
}

/** The audit: every acknowledged id is in its mailbox exactly once, counted over IMAP by every replica. */
export interface Audit {
  readonly found: number;
  /** Acknowledged, and nowhere. */
  readonly missing: readonly string[];
  /** Found more than once, acknowledged or not. */
  readonly doubled: readonly string[];
  /** Tries without an answer: they may have arrived, once. */
  readonly unansweredFound: number;
  readonly unanswered: number;
  /** In a mailbox that is not its recipient's. */
  readonly misplaced: readonly string[];
}

export async function audit(
  ledger: LedgerRecord,
  users: readonly Reader[],
  imapsPorts: readonly number[],
  ca: string,
): Promise<Audit> {
  return auditAt(
    ledger,
    users,
    imapsPorts.map((port) => ({ port, ca })),
  );
}

/** As audit(), for readers that are anywhere; `look` is shown the header that was fetched of each message. */
export async function auditAt(
  ledger: LedgerRecord,
  users: readonly Reader[],
  places: readonly ImapOptions[],
  look?: (id: string, header: string) => void,
): Promise<Audit> {
  const counts = new Map<string, number>();
  const misplaced: string[] = [];
  for (const [index, user] of users.entries()) {
    // Readers are spread over the replicas: any of them must show the same.
    const place = places[index % places.length];
    if (place === undefined) throw new RangeError('an audit needs a reader');
    for (const [id, header] of await messages(user, place)) {
      look?.(id, header);
      counts.set(id, (counts.get(id) ?? 0) + 1);
      if (ledger.tries.get(id) !== undefined && ledger.tries.get(id) !== user.address) misplaced.push(id);
    }
  }
  const unanswered = [...ledger.tries.keys()].filter((id) => !ledger.acknowledged.has(id));
  return {
    found: [...counts.keys()].filter((id) => ledger.tries.has(id)).length,
    missing: [...ledger.acknowledged].filter((id) => !counts.has(id)),
    doubled: [...counts].filter(([id, count]) => count > 1 && ledger.tries.has(id)).map(([id]) => id),
    unansweredFound: unanswered.filter((id) => counts.has(id)).length,
    unanswered: unanswered.length,
    misplaced,
  };
}

/** Message-ID and trace of all that is in a user's INBOX. */
async function messages(user: Reader, place: ImapOptions): Promise<[id: string, header: string][]> {
  const client = await ImapClient.connect(place);
  try {
    await client.login(user.address, user.password);
    const selected = await client.ok('EXAMINE INBOX');
    if (selected.untagged.some((response) => response.text === '* 0 EXISTS')) return [];
    const fetched = await client.ok('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID RECEIVED)])');
    return fetched.untagged.flatMap((response): [string, string][] => {
      const header = response.literals[0]?.toString('latin1') ?? '';
      const id = /^message-id:\s*(<[^>\r\n]+>)/im.exec(header)?.[1];
      return id === undefined ? [] : [[id, header]];
    });
  } finally {
    client.close();
  }
}
