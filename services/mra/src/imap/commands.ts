/**
 * The table of commands: in which states each is legal, whether the mailbox must be looked at first, what it
 * does to sequence numbers, and who does it. Adding a verb is one row, one handler, one test.
 */
import type { Command, Verb } from '@waybill/imap';
import { append } from './commands/append.ts';
import { authenticate } from './commands/authenticate.ts';
import { capability, enable, id, logout, namespace, noop } from './commands/any-state.ts';
import { check, close, unselect } from './commands/close.ts';
import { copy, move } from './commands/copy.ts';
import { expunge, uidExpunge } from './commands/expunge.ts';
import { fetch } from './commands/fetch.ts';
import { idle } from './commands/idle.ts';
import { list, lsub } from './commands/list.ts';
import { login } from './commands/login.ts';
import { create, remove, rename, subscribe, unsubscribe } from './commands/mailboxes.ts';
import { search } from './commands/search.ts';
import { examine, select } from './commands/select.ts';
import { startTls } from './commands/start-tls.ts';
import { status } from './commands/status.ts';
import { store } from './commands/store.ts';
import type { Session, State } from './session.ts';

/** What a handler says in the tagged OK; nothing means the verb and "done". */
export interface Completion {
  readonly code?: string;
  readonly text?: string;
}

/** The commands that a verb names. */
export type CommandOf<V extends Verb, C = Command> = C extends { readonly verb: infer W }
  ? V extends W
    ? C
    : never
  : never;

export type Handler<V extends Verb> = (
  session: Session,
  command: CommandOf<V>,
) => Completion | void | Promise<Completion | void>;

export interface Row {
  readonly states: readonly State[];
  /** Whether the selected mailbox is compared with the store first: always, unless it was just now, or not at all. */
  readonly fresh: 'always' | 'cheaply' | 'no';
  /** May EXPUNGE be told in the answer? It disturbs sequence numbers. RFC 3501 §7.4.1, §5.5. */
  readonly mayExpunge: (command: Command) => boolean;
  readonly run: (session: Session, command: Command) => Completion | void | Promise<Completion | void>;
}

const ANY: readonly State[] = ['not authenticated', 'authenticated', 'selected'];
const BEFORE: readonly State[] = ['not authenticated'];
const AFTER: readonly State[] = ['authenticated', 'selected'];
const SELECTED: readonly State[] = ['selected'];

const yes = (): boolean => true;
/** UID forms use no sequence numbers, so telling an EXPUNGE does no harm (RFC 3501 §7.4.1). */
const asUid = (command: Command): boolean => 'uid' in command && command.uid;

function row<V extends Verb>(
  states: readonly State[],
  fresh: Row['fresh'],
  mayExpunge: Row['mayExpunge'],
  run: Handler<V>,
): Row {
  return { states, fresh, mayExpunge, run: run as Row['run'] };
}

export const COMMANDS: { readonly [V in Verb]: Row } = {
  CAPABILITY: row<'CAPABILITY'>(ANY, 'cheaply', yes, capability),
  NOOP: row<'NOOP'>(ANY, 'always', yes, noop),
  LOGOUT: row<'LOGOUT'>(ANY, 'no', yes, logout),
  ID: row<'ID'>(ANY, 'cheaply', yes, id),
  STARTTLS: row<'STARTTLS'>(BEFORE, 'no', yes, startTls),
  LOGIN: row<'LOGIN'>(BEFORE, 'no', yes, login),
  AUTHENTICATE: row<'AUTHENTICATE'>(BEFORE, 'no', yes, authenticate),
  ENABLE: row<'ENABLE'>(AFTER, 'cheaply', yes, enable),
  NAMESPACE: row<'NAMESPACE'>(AFTER, 'cheaply', yes, namespace),
  SELECT: row<'SELECT'>(AFTER, 'no', yes, select),
  EXAMINE: row<'EXAMINE'>(AFTER, 'no', yes, examine),
  CREATE: row<'CREATE'>(AFTER, 'cheaply', yes, create),
  DELETE: row<'DELETE'>(AFTER, 'cheaply', yes, remove),
  RENAME: row<'RENAME'>(AFTER, 'cheaply', yes, rename),
  SUBSCRIBE: row<'SUBSCRIBE'>(AFTER, 'cheaply', yes, subscribe),
  UNSUBSCRIBE: row<'UNSUBSCRIBE'>(AFTER, 'cheaply', yes, unsubscribe),
  LIST: row<'LIST'>(AFTER, 'cheaply', yes, list),
  LSUB: row<'LSUB'>(AFTER, 'cheaply', yes, lsub),
  STATUS: row<'STATUS'>(AFTER, 'cheaply', yes, status),
  APPEND: row<'APPEND'>(AFTER, 'cheaply', yes, append),
  IDLE: row<'IDLE'>(AFTER, 'always', yes, idle),
  CHECK: row<'CHECK'>(SELECTED, 'always', yes, check),
  CLOSE: row<'CLOSE'>(SELECTED, 'no', yes, close),
  UNSELECT: row<'UNSELECT'>(SELECTED, 'no', yes, unselect),
  EXPUNGE: row<'EXPUNGE'>(SELECTED, 'cheaply', yes, expunge),
  'UID EXPUNGE': row<'UID EXPUNGE'>(SELECTED, 'cheaply', yes, uidExpunge),
  SEARCH: row<'SEARCH'>(SELECTED, 'always', asUid, search),
  FETCH: row<'FETCH'>(SELECTED, 'cheaply', asUid, fetch),
  STORE: row<'STORE'>(SELECTED, 'cheaply', asUid, store),
  COPY: row<'COPY'>(SELECTED, 'cheaply', yes, copy),
  MOVE: row<'MOVE'>(SELECTED, 'cheaply', yes, move),
};
