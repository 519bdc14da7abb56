import type net from 'node:net';
import type { Running, SmtpJob, Tally } from './job.ts';
import { messageSet, type Template } from './message-set.ts';
import { connect } from './socket.ts';

/**
 * A sender of mail: SMTP with PIPELINING (RFC 2920), as busy senders are. MAIL, RCPT and DATA go in one write, the
 * content after 354. It counts a message when 250 has come, and what else was said as a fault.
 */
export function smtpJob(job: SmtpJob): Running {
  const templates = messageSet(Math.min(job.count, job.octets > 20_000 ? 50 : 200), job.octets, job.from);
  let given = 0;
  let tally: Tally | undefined;
  const source = (): Work | undefined => {
    const index = given;
    if (index >= job.count) return undefined;
    given++;
    const template = templates[index % templates.length];
    const recipient = job.recipients[index % job.recipients.length];
    if (template === undefined || recipient === undefined) return undefined;
    return { template, recipient, id: `${index}.${job.run}@load.test` };
  };
  const senders = Array.from(
    { length: job.connections },
    (_, index) => new Sender(job, index, source, () => tally),
  );
  return {
    async prepare() {
      if (!job.reconnect) await Promise.all(senders.map((sender) => sender.open()));
    },
    async run(given) {
      tally = given;
      await Promise.all(senders.map((sender) => sender.work()));
    },
    async close() {
      await Promise.all(senders.map((sender) => sender.quit()));
    },
  };
}

interface Work {
  readonly template: Template;
  readonly recipient: string;
  readonly id: string;
}

class Sender {
  readonly #job: SmtpJob;
  readonly #index: number;
  readonly #source: () => Work | undefined;
  readonly #tally: () => Tally | undefined;
  #socket: net.Socket | undefined;
  #rest = '';
  /** Who waits for the next whole replies, in order: the final line, or undefined when the connection is gone. */
  #waiting: ((reply: string | undefined) => void)[] = [];

  constructor(job: SmtpJob, index: number, source: () => Work | undefined, tally: () => Tally | undefined) {
    this.#job = job;
    this.#index = index;
    this.#source = source;
    this.#tally = tally;
  }

  /** @throws Error when the server does not greet, or refuses the login */
  async open(): Promise<void> {
    const socket = connect(this.#job.door, this.#index);
    this.#socket = socket;
    this.#rest = '';
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#hear(String(text)));
    socket.on('close', () => {
      // One that was let go before has nobody waiting for it.
      if (this.#socket === socket) this.#drop();
    });
    await this.#expect('2', this.#reply());
    await this.#expect('2', this.#say('EHLO load.test\r\n'));
    const { login } = this.#job;
    if (login === undefined) return;
    const secret = Buffer.from(`\0${login.user}\0${login.password}`).toString('base64');
    await this.#expect('2', this.#say(`AUTH PLAIN ${secret}\r\n`));
  }

  /** Sends until nothing is left. A connection that breaks costs its message, and another one is opened. */
  async work(): Promise<void> {
    const tally = this.#tally();
    if (tally === undefined) throw new Error('work before run');
    for (let work = this.#source(); work !== undefined; work = this.#source()) {
      const began = performance.now();
      try {
        if (this.#socket === undefined) await this.open();
        tally.octets += await this.#send(work);
        if (this.#job.reconnect) await this.quit();
        tally.ok(performance.now() - began);
      } catch (error) {
        tally.fault((error as Error).message);
        this.#drop();
      }
    }
  }

  async #send(work: Work): Promise<number> {
    const socket = this.#socket;
    if (socket === undefined) throw new Error('the connection is gone');
    const mail = this.#say(`MAIL FROM:<${this.#job.from}>\r\nRCPT TO:<${work.recipient}>\r\nDATA\r\n`);
    const rcpt = this.#reply();
    const data = this.#reply();
    const [mailReply, rcptReply, dataReply] = [await mail, await rcpt, await data];
    for (const reply of [mailReply, rcptReply])
      if (reply?.[0] !== '2') throw new Error(reply ?? 'the connection broke');
    await this.#expect('3', Promise.resolve(dataReply));
    const { before, after } = work.template;
    const id = `Message-ID: <${work.id}>\r\n`;
    const final = this.#reply();
    socket.cork();
    socket.write(before);
    socket.write(id, 'latin1');
    socket.write(after);
    socket.write('.\r\n');
    socket.uncork();
    await this.#expect('2', final);
    return before.length + id.length + after.length;
  }

  async quit(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    await this.#say('QUIT\r\n');
    if (this.#socket === socket) this.#drop();
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    for (const tell of this.#waiting.splice(0)) tell(undefined);
  }

  #say(text: string): Promise<string | undefined> {
    const reply = this.#reply();
    this.#socket?.write(text, 'latin1');
    return reply;
  }

  #reply(): Promise<string | undefined> {
    if (this.#socket === undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #expect(first: '2' | '3', coming: Promise<string | undefined>): Promise<void> {
    const reply = await coming;
    if (reply?.[0] !== first) throw new Error(reply ?? 'the connection broke');
  }

  #hear(text: string): void {
    const all = this.#rest + text;
    let from = 0;
    for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', from)) {
      // RFC 5321 §4.2.1: a hyphen after the code says that more lines follow
      if (all[from + 3] !== '-') this.#waiting.shift()?.(all.slice(from, end).trimEnd());
      from = end + 1;
    }
    this.#rest = all.slice(from);
  }
}
