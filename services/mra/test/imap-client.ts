/** A strict little IMAP client for tests: sends commands, gives back every line of the answer, literals inside. */
import net from 'node:net';
import tls from 'node:tls';

export interface Answer {
  /** Untagged lines, without CRLF; a literal stands in its line as the octets it is (latin1). */
  readonly untagged: string[];
  /** `OK …`, `NO …` or `BAD …`. */
  readonly tagged: string;
}

export class ImapClient {
  #socket: net.Socket;
  #text = '';
  #tag = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#wire(socket);
  }

  #wire(socket: net.Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Connected in clear, greeting read. */
  static async plain(port: number): Promise<ImapClient> {
    const socket = net.connect(port, '127.0.0.1');
    const client = new ImapClient(socket);
    await client.line();
    return client;
  }

  /** Connected with TLS, greeting read. */
  static async secure(port: number, ca: string): Promise<ImapClient> {
    const socket = tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost' });
    const client = new ImapClient(socket);
    await client.line();
    return client;
  }

  get socket(): net.Socket {
    return this.#socket;
  }

  /** TLS over the same connection, after STARTTLS was answered. */
  async startTls(ca: string): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const socket = tls.connect({ socket: plain, ca, servername: 'localhost' });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', () => resolve());
      socket.once('error', reject);
    });
    this.#socket = socket;
    this.#wire(socket);
  }

  write(text: string | Buffer): void {
    this.#socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new Error(`connection closed; unread: ${JSON.stringify(this.#text)}`);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The next line with its literals. */
  async line(): Promise<string> {
    let from = 0;
    for (;;) {
      const end = this.#text.indexOf('\r\n', from);
      if (end === -1) {
        await this.#more();
        continue;
      }
      const literal = /\{(\d+)\}$/.exec(this.#text.slice(from, end));
      if (literal === null) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      from = end + 2 + Number(literal[1]);
      while (this.#text.length < from) await this.#more();
    }
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  /** Sends a command without waiting; the answer is read with `answer(tag)`. */
  send(command: string): string {
    this.#tag += 1;
    const tag = `t${this.#tag}`;
    this.write(`${tag} ${command}\r\n`);
    return tag;
  }

  async answer(tag: string): Promise<Answer> {
    const untagged: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line.startsWith(`${tag} `)) return { untagged, tagged: line.slice(tag.length + 1) };
      untagged.push(line);
    }
  }

  command(command: string): Promise<Answer> {
    return this.answer(this.send(command));
  }

  /** As `command`; throws unless the answer is OK. */
  async ok(command: string): Promise<string[]> {
    const { untagged, tagged } = await this.command(command);
    if (!tagged.startsWith('OK')) throw new Error(`${command}: ${tagged}`);
    return untagged;
  }

  /** APPEND with a synchronizing literal. */
  async append(mailbox: string, message: string | Buffer, flags = ''): Promise<string> {
    const octets = typeof message === 'string' ? Buffer.from(message, 'latin1') : message;
    const tag = this.send(`APPEND ${mailbox} ${flags === '' ? '' : `(${flags}) `}{${octets.length}}`);
    const go = await this.line();
    if (!go.startsWith('+')) return go.slice(tag.length + 1);
    this.write(Buffer.concat([octets, Buffer.from('\r\n')]));
    return (await this.answer(tag)).tagged;
  }

  close(): void {
    this.#socket.destroy();
  }
}
