/**
 * One client's IMAP session: its state (RFC 3501 §3), what its commands may use, and how it is told what
 * changed. It never touches the socket but through `output` and the line it asks for.
 */
import type { SaslMechanism } from '@waybill/auth-client';
import { existsLine, expungeLine, FetchLine, recentLine } from '@waybill/imap';
import type { Connection } from '@waybill/listener';
import type { AccountRef, ChangeSignal, ReaderStore, StoredMessage } from '@waybill/mailstore';
import type { AccountPlaces } from '../account-places.ts';
import type { Events, SessionFacts } from '../events.ts';
import { journeyIdOf } from '../journey-id.ts';
import type { LoginAuth } from '../sasl/exchange.ts';
import type { LargeMessages } from './large-messages.ts';
import type { MailboxCache, OpenMailbox } from './mailbox-cache.ts';
import type { Output } from './output.ts';
import { Bad, Gone } from './replies.ts';
import type { SelectedView } from './selected-view.ts';
import type { Summaries } from './summaries.ts';

export type State = 'not authenticated' | 'authenticated' | 'selected';

/** All in milliseconds. */
export interface Timing {
  /** A connection that has not logged in by then is closed. */
  readonly loginMs: number;
  /** Autologout after this long without a command (RFC 3501 §5.4: at least 30 minutes). */
  readonly idleMs: number;
  /** Pause after the first failed login; doubled for each further one. */
  readonly failureMs: number;
  /** IDLE: a line at least this often, so that middleboxes keep the connection. */
  readonly keepAliveMs: number;
  /** IDLE: how often to look although nobody woke us. */
  readonly pollMs: number;
  /** A mailbox that was checked this recently is not checked again before a command that only reads bodies. */
  readonly freshMs: number;
}

export const DEFAULT_TIMING: Timing = {
  loginMs: 60_000,
  idleMs: 1_800_000,
  failureMs: 1_000,
  keepAliveMs: 120_000,
  pollMs: 30_000,
  freshMs: 1_000,
};

/** What all sessions of the process share. */
export interface Surroundings {
  readonly store: ReaderStore;
  readonly signal: ChangeSignal;
  readonly auth: LoginAuth;
  /** Offered under TLS, in the order told. */
  readonly mechanisms: readonly SaslMechanism[];
  readonly events: Events;
  readonly cache: MailboxCache;
  readonly summaries: Summaries;
  readonly largeMessages: LargeMessages;
  readonly places: AccountPlaces;
  readonly timing: Timing;
  readonly hostname: string;
  readonly version: string;
  /** Octets of the largest message that APPEND takes. */
  readonly maxAppend: number;
}

/** How many messages of a session are remembered as read, for the journey. */
const REMEMBERED = 10_000;

export class Session {
  readonly connection: Connection;
  readonly around: Surroundings;
  readonly output: Output;
  readonly askLine: () => Promise<Buffer>;
  account: AccountRef | undefined;
  username: string | undefined;
  view: SelectedView | undefined;
  /** Name of the selected mailbox when it was selected. */
  mailboxName = '';
  failedLogins = 0;
  /** AUTHENTICATE that was cancelled or could not be read. */
  brokenOffLogins = 0;
  /** IDLE's ear: called about once per second. */
  onTick: ((now: number) => void) | undefined;
  /** Asks IDLE to end, when the server drains. */
  onFinish: (() => void) | undefined;
  /** STARTTLS was answered: TLS begins when the answer is out. */
  startTls = false;
  /** LOGOUT was answered, or BYE said. */
  ended = false;
  #givePlace: (() => void) | undefined;
  #read: Set<string> | undefined;

  /** `askLine`: the client's next line, outside of commands. */
  constructor(connection: Connection, around: Surroundings, output: Output, askLine: () => Promise<Buffer>) {
    this.connection = connection;
    this.around = around;
    this.output = output;
    this.askLine = askLine;
  }

  get state(): State {
    if (this.account === undefined) return 'not authenticated';
    return this.view === undefined ? 'authenticated' : 'selected';
  }

  get facts(): SessionFacts {
    const { sessionId, remoteAddress, tls } = this.connection;
    return { sessionId, protocol: 'imap', remoteAddress, tls: tls?.protocol, username: this.username };
  }

  /** The account; only commands that the table allows after login ask for it. */
  get owner(): AccountRef {
    if (this.account === undefined) throw new Bad('Log in first');
    return this.account;
  }

  /** The selected mailbox; only commands that the table allows there ask for it. */
  get selected(): SelectedView {
    if (this.view === undefined) throw new Bad('Select a mailbox first');
    return this.view;
  }

  enter(account: AccountRef, username: string, givePlace: () => void): void {
    this.account = account;
    this.username = username;
    this.#givePlace = givePlace;
  }

  select(view: SelectedView, name: string): void {
    this.unselect();
    this.view = view;
    this.mailboxName = name;
  }

  unselect(): void {
    if (this.view === undefined) return;
    this.around.cache.release(this.view.mailbox);
    this.view = undefined;
  }

  /** The connection is gone: gives back what the session holds. */
  dispose(): void {
    this.ended = true;
    this.unselect();
    this.#givePlace?.();
    this.#givePlace = undefined;
  }

  /** Waits, or stops waiting because the client went. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      this.connection.onClose(() => {
        clearTimeout(timer);
        reject(new Gone());
      });
    });
  }

  /**
   * Tells what changed in the mailbox since the client was last told. RFC 3501 §7.4.1: `mayExpunge` is
   * false while FETCH, STORE or SEARCH is answered and while no command is.
   */
  async tell(mayExpunge: boolean): Promise<void> {
    const view = this.view;
    if (view === undefined) return;
    if (view.hasArrivals()) await this.#claimRecent(view);
    const news = view.takeNews(mayExpunge);
    const { output } = this;
    for (const sequence of news.expunged) output.text(expungeLine(sequence));
    if (news.exists !== undefined) {
      output.text(existsLine(news.exists));
      output.text(recentLine(news.recent));
    }
    for (const index of news.changed) {
      this.writeFlags(index, true);
      const room = output.room();
      if (room !== undefined) await room;
    }
  }

  /** `* n FETCH (FLAGS (…))` with the flags as they are now. */
  writeFlags(index: number, withUid: boolean): void {
    const { columns, at } = this.selected.current(index);
    const uid = columns.uids[at]!;
    const line = new FetchLine(this.output, index + 1);
    if (withUid) line.uid(uid);
    line.flags(columns.flags[at]!, columns.keywords[at], this.selected.isRecent(uid));
    line.end();
  }

  /** Messages that came while the mailbox is selected are \Recent for the first session that is told of them. */
  async #claimRecent(view: SelectedView): Promise<void> {
    let from = view.lastKnownUid() + 1;
    if (!view.readOnly) {
      try {
        from = Math.max(
          from,
          await this.around.store.claimRecent(view.mailbox.accountId, view.mailbox.mailboxId),
        );
      } catch (error) {
        // RFC 3501 §2.3.2: where it cannot be known, a message is recent.
        this.around.events.outage(this.facts, 'claiming recent messages', error);
      }
    }
    view.addRecent(from, view.mailbox.columns.lastUid());
  }

  /**
   * Brings a mailbox up to date after a write of this session was committed. Where the store is lost just then,
   * the client still hears OK, for a NO would make it repeat what was done; the next command looks again.
   */
  async catchUp(mailbox: OpenMailbox): Promise<void> {
    try {
      await mailbox.refresh();
    } catch (error) {
      this.around.events.outage(this.facts, 'catching up after a write', error);
    }
  }

  /** The body of a message is read in this session: told to the journey once. */
  noteRead(uid: number, message: StoredMessage): void {
    const read = (this.#read ??= new Set());
    if (read.has(message.emailId) || read.size >= REMEMBERED) return;
    read.add(message.emailId);
    const journeyId = journeyIdOf(message.prefix, message.body);
    this.around.events.fetched(this.facts, journeyId, this.mailboxName, uid);
  }
}
