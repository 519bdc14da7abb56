import { setTimeout as pause } from 'node:timers/promises';
import { openBlobstore } from '../../packages/blobstore/src/index.ts';
import type { TestDatabase } from '@waybill/lab';
import {
  type AccountRef,
  type ChangeSignal,
  type DeliverItem,
  openDeliveryStore,
  openReaderStore,
  openSignal,
  removeAccount,
  sweep,
} from '@waybill/mailstore';
import { openPool } from '@waybill/postgres';
import {
  type Claimed,
  type Draft,
  newSpoolId,
  openSpoolAccept,
  openSpoolUpkeep,
  openSpoolWork,
} from '@waybill/spool';

/** Calls everything that the spool and the store offer, each with real rows to find, as the agents' own logins. */

/** A door whose calls are written down: `done` has the names of those that were made. */
function counted<T extends object>(door: T, done: Set<string>): T {
  return new Proxy(door, {
    get(target, name) {
      done.add(String(name));
      return Reflect.get(target, name) as unknown;
    },
  });
}

/** @returns the calls that no walk made: one that is new to a door must be added here. */
export async function walkTheSpool(db: TestDatabase): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const pool = (agent: string): ReturnType<typeof openPool> => {
    const opened = openPool(db.urlAs(agent), { size: 2 });
    stack.defer(() => opened.end());
    return opened;
  };
  const [mx, mta] = [pool('mx'), pool('mta')];
  const done = new Set<string>();
  const doors = [
    openSpoolAccept(mx, openBlobstore(mx)),
    openSpoolWork(mta, openBlobstore(mta)),
    openSpoolUpkeep(mta, { graceMs: 0 }),
  ] as const;
  const [accept, work, upkeep] = [counted(doors[0], done), counted(doors[1], done), counted(doors[2], done)];

  const first = draft(3);
  await accept.accept(first);
  await accept.acceptOnce(first);
  await accept.has(first.id);
  const claims = await work.claim('0.blue.test', 10, 'walk');
  await work.renew(claims);
  await work.keep(claims);
  await work.release(claims);
  const [again] = await work.claim('0.blue.test', 10, 'walk');
  await work.finish({ kind: 'delivered', claim: again as Claimed, ...REPLY });
  const failed = await work.claim('1.blue.test', 10, 'walk');
  const failure = {
    claims: failed.map((claim) => ({ claim, ...REPLY })),
    report: draft(1, { origin: 'dsn' }),
  };
  await work.fail(failure);
  await work.fail(failure); // its lease is gone: asks whether it was closed before

  // More than a page is due: the tour of all destinations.
  await accept.accept(draft(600));
  await upkeep.dueDestinations(1000);
  await upkeep.nextDueMs(1000);
  await upkeep.figures();
  await upkeep.reap();
  await upkeep.sweep();
  return doors.flatMap((door) => Object.keys(door)).filter((name) => !done.has(name));
}

const REPLY = { code: '250 2.0.0', text: 'fine', peer: 'nobody' };

function draft(recipients: number, over: Partial<Draft> = {}): Draft {
  return {
    id: newSpoolId(),
    origin: 'mx',
    returnPath: 'alice@red.test',
    recipients: Array.from({ length: recipients }, (_, i) => ({
      address: `bob@${i}.blue.test`,
      notify: 0,
      destination: `${i}.blue.test`,
    })),
    message: Buffer.from('Subject: hello\r\n\r\nbody\r\n'),
    smtputf8: false,
    hops: 1,
    ...over,
  };
}

/** @returns the calls that no walk made */
export async function walkTheStore(db: TestDatabase): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const pool = (agent: string): ReturnType<typeof openPool> => {
    const opened = openPool(db.urlAs(agent), { size: 2 });
    stack.defer(() => opened.end());
    return opened;
  };
  const signal = openSignal({ postgresUrl: db.urlAs('mda') });
  stack.defer(() => signal.close());
  const [mda, mra] = [pool('mda'), pool('mra')];
  const done = new Set<string>();
  const doors = [openDeliveryStore(mda, { signal }), openReaderStore(mra, { signal })] as const;
  const [delivery, reader] = [counted(doors[0], done), counted(doors[1], done)];
  const ann: AccountRef = { accountId: '7', quotaBytes: 0, quotaMessages: 0 };
  const id = ann.accountId;

  const woken = wake(signal, id);
  const item: DeliverItem = {
    account: ann,
    deliveryId: newSpoolId(),
    prefix: Buffer.from('Delivered-To: ann@red.test\r\n'),
    body: { inline: Buffer.from('Subject: hello\r\n\r\nbody\r\n') },
    summary: Buffer.from('a summary'),
    sentAt: null,
    target: 'inbox',
  };
  await delivery.deliver(item);
  await delivery.isDelivered(id, newSpoolId());
  await woken;

  await reader.openAccount(ann);
  await reader.accountModseq(id);
  await reader.listMailboxes(id);
  await reader.deleteMailbox(id, 'Junk');
  await delivery.deliver({ ...item, deliveryId: newSpoolId(), target: 'junk' });
  await reader.createMailbox(id, 'Trips/Alps');
  await reader.renameMailbox(id, 'Trips', 'Journeys');
  await reader.setSubscribed(id, 'Journeys', true);
  await reader.listSubscriptions(id);
  const inbox = await reader.findMailbox(id, 'inbox');
  const box = inbox?.mailboxId ?? 0;
  await reader.append(ann, 'INBOX', [
    {
      flags: 0,
      keywords: [],
      internalDate: null,
      body: Buffer.alloc(64 * 1024, 'x'),
      summary: Buffer.from('a summary'),
      sentAt: null,
    },
  ]);
  await reader.claimRecent(id, box);
  const seen = await reader.snapshot(id, box, true);
  await reader.storeFlags(id, box, seen.uids, 'add', 8, ['Word']);
  await reader.changesSince(id, box, seen.modseq);
  await reader.summaries(id, seen.emailIds);
  await reader.message(id, seen.emailIds[0] ?? '');
  await reader.copy(ann, box, seen.uids, 'Journeys/Alps');
  await reader.move(ann, box, seen.uids, 'Archive');
  await reader.expunge(id, box);
  await reader.remove(id, box, seen.uids);
  await reader.usage(id);
  await reader.deleteMailbox(id, 'Journeys/Alps');
  await removeAccount(mda, id);
  await sweep(mda, { deliveredMs: 0, changesMs: 0, graceMs: 0, formerNamesMs: 0, changesKept: 1 });
  return doors.flatMap((door) => Object.keys(door)).filter((name) => !done.has(name));
}

/** Resolves when the signal has come: hints may be lost while the listener connects, so it is said again. */
async function wake(signal: ChangeSignal, accountId: string): Promise<void> {
  let come = false;
  signal.subscribe(accountId, () => (come = true));
  while (!come) {
    signal.publish([accountId]);
    await pause(20);
  }
}
