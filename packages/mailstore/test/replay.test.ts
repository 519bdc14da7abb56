import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { testDatabase } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import fc from 'fast-check';
import {
  mailstoreSchema,
  type MailboxSnapshot,
  openDeliveryStore,
  openReaderStore,
  StoreRefusal,
} from '../src/index.ts';
import { account, appended, delivery, listeningSignal } from './mail.ts';

/**
 * Whatever is done to an account, in any order: a reader that only follows changesSince has what a
 * fresh snapshot shows, and the counters are what counting gives.
 */

const db = await testDatabase([mailstoreSchema]);
const mda = openPool(db.urlAs('mda'), { size: 2 });
const mra = openPool(db.urlAs('mra'), { size: 2 });
const root = openPool(db.url, { size: 1 });
const signal = listeningSignal();
const deliveries = openDeliveryStore(mda, { signal });
const reader = openReaderStore(mra, { signal });
after(async () => {
  await Promise.all([mda.end(), mra.end(), root.end()]);
  await db[Symbol.asyncDispose]();
});

const BOXES = ['INBOX', 'Archive', 'Trash', 'a', 'a/b', 'c'] as const;
/** Default mailboxes that no step touches. */
const UNUSED = ['Drafts', 'Sent'];
const box = fc.oneof(
  { weight: 3, arbitrary: fc.constant('INBOX' as const) },
  { weight: 5, arbitrary: fc.constantFrom(...BOXES) },
);
const uids = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 6 });
const flags = fc.integer({ min: 0, max: 31 });
const words = fc.uniqueArray(fc.constantFrom('$Junk', '$junk', 'blue', 'Work'), { maxLength: 2 });

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('deliver' as const), junk: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      box,
      flags,
      words,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('store' as const),
      box,
      uids,
      flags,
      words,
      mode: fc.constantFrom('set' as const, 'add' as const, 'remove' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('expunge' as const),
      box,
      only: fc.option(uids, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), box, uids }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('copy' as const, 'move' as const), box, uids, to: box }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('create' as const), box }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), box }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename' as const), box, to: box }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let lastAccount = 0;

async function perform(me: ReturnType<typeof account>, at: Step): Promise<void> {
  const { accountId } = me;
  const idOf = async (name: string) => (await reader.findMailbox(accountId, name))?.mailboxId ?? 999;
  switch (at.do) {
    case 'deliver':
      await deliveries.deliver(delivery(me, { target: at.junk ? 'junk' : 'inbox' }));
      return;
    case 'append': {
      const items = Array.from({ length: at.count }, () =>
        appended('xy', { flags: at.flags, keywords: at.words }),
      );
      await reader.append(me, at.box, items);
      return;
    }
    case 'store':
      await reader.storeFlags(accountId, await idOf(at.box), at.uids, at.mode, at.flags, at.words);
      return;
    case 'expunge':
      await reader.expunge(accountId, await idOf(at.box), at.only);
      return;
    case 'remove':
      await reader.remove(accountId, await idOf(at.box), at.uids);
      return;
    case 'copy':
    case 'move':
      await reader[at.do](me, await idOf(at.box), at.uids, at.to);
      return;
    case 'create':
      await reader.createMailbox(accountId, at.box);
      return;
    case 'delete':
      await reader.deleteMailbox(accountId, at.box);
      return;
    case 'rename':
      await reader.renameMailbox(accountId, at.box, at.to);
      return;
  }
}

type Row = readonly [
  flags: number,
  keywords: readonly string[],
  modseq: number,
  emailId: string,
  size: number,
];
interface View {
  modseq: number;
  readonly rows: Map<number, Row>;
}

function viewOf(snap: MailboxSnapshot): View {
  const rows = new Map(
    snap.uids.map((uid, i) => [
      uid,
      [snap.flags[i]!, snap.keywords[i] ?? [], snap.modseqs[i]!, snap.emailIds[i]!, snap.sizes[i]!] as const,
    ]),
  );
  return { modseq: snap.modseq, rows };
}

async function catchUp(accountId: string, mailboxId: number, view: View): Promise<'gone' | 'here'> {
  const changes = await reader.changesSince(accountId, mailboxId, view.modseq);
  if (changes.gone) return 'gone';
  assert.ok(changes.complete);
  for (const uid of changes.expunged) assert.ok(view.rows.delete(uid), 'only what was known goes');
  for (const row of changes.added) assert.ok(!view.rows.has(row.uid), 'what comes is new');
  for (const row of changes.changed) assert.ok(view.rows.has(row.uid), 'what changes is known');
  for (const row of [...changes.added, ...changes.changed])
    view.rows.set(row.uid, [row.flags, row.keywords, row.modseq, row.emailId, row.size]);
  view.modseq = changes.modseq;
  return 'here';
}

/** The validator: counters against counts, in one statement. Answers what is wrong. */
async function faults(accountId: string): Promise<unknown[]> {
  const { rows } = await root.query(
    `with counted as (
       select b.mailbox_id, count(m.uid) as messages, count(m.uid) filter (where m.flags & 1 = 0) as unseen,
              coalesce(sum(m.size), 0) as bytes, coalesce(max(m.uid), 0) as last, coalesce(max(m.modseq), 0) as newest
         from mailstore.mailbox b left join mailstore.mailbox_msg m using (account_id, mailbox_id)
        where b.account_id = $1 group by b.mailbox_id)
     select b.name, 'counters' as fault from mailstore.mailbox b join counted c using (mailbox_id)
      where b.account_id = $1 and (b.messages <> c.messages or b.unseen <> c.unseen or b.bytes <> c.bytes
         or b.uidnext <= c.last or b.highestmodseq < c.newest)
     union all
     select 'account', 'usage' from mailstore.account_seq s
      where s.account_id = $1 and not (s.used_messages, s.used_bytes) =
        (select coalesce(sum(b.messages), 0)::bigint, coalesce(sum(b.bytes), 0)::bigint from mailstore.mailbox b
          where b.account_id = $1 and b.deleted_at is null)
     union all
     select e.email_id::text, 'neither in a mailbox nor an orphan, or both' from mailstore.email e
      where e.account_id = $1
        and exists (select from mailstore.mailbox_msg m where m.account_id = $1 and m.email_id = e.email_id)
          = exists (select from mailstore.orphan o where o.account_id = $1 and o.email_id = e.email_id)
     union all
     select m.uid::text, 'without octets' from mailstore.mailbox_msg m
      where m.account_id = $1 and not exists (select from mailstore.email e where e.account_id = $1 and e.email_id = m.email_id)`,
    [accountId],
  );
  return rows;
}

test('a reader that follows the log has what a fresh snapshot shows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.boolean()), { minLength: 10, maxLength: 30 }),
      async (steps) => {
        const me = account(++lastAccount);
        const { accountId } = me;
        await reader.openAccount(me);
        const views = new Map<number, View>();
        const follow = async (): Promise<void> => {
          const mailboxes = (await reader.listMailboxes(accountId)).filter(
            (each) => !UNUSED.includes(each.name),
          );
          for (const { mailboxId } of mailboxes) {
            const fresh = viewOf(await reader.snapshot(accountId, mailboxId, false));
            const view = views.get(mailboxId);
            if (view === undefined) {
              views.set(mailboxId, fresh);
              continue;
            }
            assert.equal(await catchUp(accountId, mailboxId, view), 'here');
            assert.equal(view.modseq, fresh.modseq);
            assert.deepEqual(
              [...view.rows].sort(([a], [b]) => a - b),
              [...fresh.rows],
            );
          }
          const living = new Set(mailboxes.map((each) => each.mailboxId));
          for (const [mailboxId, view] of views) {
            if (living.has(mailboxId)) continue;
            assert.equal(await catchUp(accountId, mailboxId, view), 'gone');
            views.delete(mailboxId);
          }
        };
        // Something to work on.
        await reader.append(
          me,
          'INBOX',
          Array.from({ length: 6 }, () => appended('xyz')),
        );
        await reader.append(
          me,
          'Archive',
          Array.from({ length: 3 }, () => appended('x', { flags: 9 })),
        );
        await follow();
        for (const [at, look] of steps) {
          try {
            await perform(me, at);
          } catch (error) {
            if (!(error instanceof StoreRefusal)) throw error;
          }
          if (look) await follow();
        }
        await follow();
        assert.deepEqual(await faults(accountId), []);
      },
    ),
    { numRuns: 25, interruptAfterTimeLimit: 6000 },
  );
});
