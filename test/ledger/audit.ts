import { ImapClient, type LabUser } from '@waybill/lab';
import type { Ledger } from './ledger-file.ts';

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
  ledger: Ledger,
  users: readonly LabUser[],
  imapsPorts: readonly number[],
  ca: string,
): Promise<Audit> {
  const counts = new Map<string, number>();
  const misplaced: string[] = [];
  for (const [index, user] of users.entries()) {
    // Readers are spread over the replicas: any of them must show the same.
    for (const id of await messageIds(user, imapsPorts[index % imapsPorts.length] ?? 0, ca)) {
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

/** All Message-IDs of a user's INBOX. */
async function messageIds(user: LabUser, port: number, ca: string): Promise<string[]> {
  const client = await ImapClient.connect({ port, ca });
  try {
    await client.login(user.address, user.password);
    const selected = await client.ok('EXAMINE INBOX');
    if (selected.untagged.some((response) => response.text === '* 0 EXISTS')) return [];
    const fetched = await client.ok('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])');
    return fetched.untagged.flatMap((response) => {
      const field = response.literals[0]?.toString('latin1') ?? '';
      const id = /<[^>\r\n]+>/.exec(field)?.[0];
      return id === undefined ? [] : [id];
    });
  } finally {
    client.close();
  }
}
