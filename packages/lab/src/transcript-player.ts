import { once } from 'node:events';
import type { Duplex } from 'node:stream';

/**
 * Plays a conversation written down as text against a running server, and throws at the first line that
 * differs, with the script's line and all that was said. For SMTP, LMTP, IMAP and POP3 alike.
 *
 *     # a comment
 *     S: 220 ...                 the server's next line begins so; "..." stands for any text, also inside
 *     C: EHLO client.test        sent with CRLF; C lines that follow each other leave in one packet
 *     S: ...                     any number of lines, until one that the next S line describes
 *     S: 250 {last}              {name} takes the text that stands there (shortest match) …
 *     C: NOOP {last}             … and gives it back, in C and S lines (names begin with a letter)
 *     C raw: "A\nB\u0000"        a JSON string, sent as it is, no CRLF added; one character per octet
 *     C tls                      upgrades the connection to TLS
 *     C end                      closes the client's side;  C reset: cuts it
 *     S closed                   the server closes, and says nothing more before
 *     C2: …  S2: …  C2 tls       further connections; each opens where it is first named
 */
export interface PlayOptions {
  /** Opens the connection `name` ('' for the plain C and S). */
  readonly connect: (name: string) => Duplex | Promise<Duplex>;
  /** For `C tls`. */
  readonly secure?: (plain: Duplex, name: string) => Promise<Duplex>;
  /** How long a line may take to come; default 5 s. */
  readonly timeoutMs?: number;
  /** Names known from the start. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Plays the script. @returns all captured values. @throws Error at the first difference. */
export async function playTranscript(
  script: string,
  options: PlayOptions,
): Promise<ReadonlyMap<string, string>> {
  const player = new Player(options);
  try {
    await player.play(script.split(/\r?\n/));
  } finally {
    player.close();
  }
  return player.values;
}

class Player {
  readonly values: Map<string, string>;
  readonly #options: PlayOptions;
  readonly #lines = new Map<string, ScriptedConnection>();
  readonly #said: string[] = [];

  constructor(options: PlayOptions) {
    this.#options = options;
    this.values = new Map(Object.entries(options.values ?? {}));
  }

  async play(script: readonly string[]): Promise<void> {
    let skip = false;
    for (const [index, text] of script.entries()) {
      const step = /^(C|S)(\d*)(?:: ?| )(.*)$/.exec(text.trimStart());
      if (step === null) {
        if (text.trim() === '' || text.trimStart().startsWith('#')) continue;
        throw new Error(`script line ${index + 1}: ${JSON.stringify(text)} is neither C nor S nor a comment`);
      }
      const [, side = '', name = '', rest = ''] = step;
      const spoken = text.trimStart().startsWith(`${side}${name}:`);
      try {
        const connection = await this.#connection(name);
        const next = script[index + 1]?.trimStart() ?? '';
        const more = new RegExp(`^C${name}(:| raw:)`).test(next);
        if (side === 'C') await this.#client(connection, name, rest, spoken, more);
        else if (spoken && rest === '...') skip = true;
        else {
          await this.#server(connection, rest, spoken, skip);
          skip = false;
        }
      } catch (error) {
        const log = this.#said.slice(-30).join('\n  ');
        throw new Error(
          `script line ${index + 1}, ${text.trim()}\n${(error as Error).message}\nSo far:\n  ${log}`,
          {
            cause: error,
          },
        );
      }
    }
  }

  close(): void {
    for (const connection of this.#lines.values()) connection.destroy();
  }

  async #connection(name: string): Promise<ScriptedConnection> {
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const stream = await this.#options.connect(name);
    const connection = new ScriptedConnection(stream, this.#options.timeoutMs ?? 5000);
    this.#lines.set(name, connection);
    return connection;
  }

  async #client(
    connection: ScriptedConnection,
    name: string,
    rest: string,
    spoken: boolean,
    more: boolean,
  ): Promise<void> {
    if (spoken) connection.queue(Buffer.from(`${this.#filled(rest)}\r\n`));
    else if (rest.startsWith('raw:'))
      connection.queue(Buffer.from(JSON.parse(rest.slice(4)) as string, 'latin1'));
    else {
      connection.send();
      await this.#act(connection, name, rest.trim());
      return;
    }
    this.#said.push(`C${name}: ${rest}`);
    if (!more) connection.send();
  }

  async #act(connection: ScriptedConnection, name: string, action: string): Promise<void> {
    this.#said.push(`C${name} ${action}`);
    if (action === 'end') connection.stream.end();
    else if (action === 'reset') connection.destroy();
    else if (action === 'tls') {
      if (this.#options.secure === undefined) throw new Error('this test cannot upgrade to TLS');
      connection.release();
      connection.adopt(await this.#options.secure(connection.stream, name));
    } else throw new Error(`unknown action ${JSON.stringify(action)}`);
  }

  async #server(connection: ScriptedConnection, rest: string, spoken: boolean, skip: boolean): Promise<void> {
    if (!spoken) {
      if (rest.trim() !== 'closed') throw new Error(`unknown expectation ${JSON.stringify(rest)}`);
      const line = await connection.line();
      if (line !== undefined) throw new Error(`the server said ${JSON.stringify(line)} instead of closing`);
      connection.stream.end();
      return;
    }
    const [pattern, names] = this.#pattern(rest);
    const passed: string[] = [];
    for (;;) {
      const line = await connection.line();
      if (line === undefined) throw new Error(`the server closed; passed over: ${JSON.stringify(passed)}`);
      this.#said.push(`S: ${line}`);
      const match = pattern.exec(line);
      if (match !== null) {
        for (const [i, captured] of names.entries()) this.values.set(captured, match[i + 1] ?? '');
        return;
      }
      if (!skip) throw new Error(`the server said ${JSON.stringify(line)}`);
      passed.push(line);
    }
  }

  #filled(text: string): string {
    return text.replaceAll(/\{([A-Za-z]\w*)\}/g, (all, name: string) => this.values.get(name) ?? all);
  }

  /** The expected line as a pattern, and the names that its groups capture. */
  #pattern(expected: string): [RegExp, string[]] {
    const names: string[] = [];
    const source = this.#filled(expected)
      .split(/(\{[A-Za-z]\w*\}|\.\.\.)/)
      .map((part) => {
        if (part === '...') return '.*';
        if (!/^\{[A-Za-z]\w*\}$/.test(part)) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
        names.push(part.slice(1, -1));
        return '(.*?)';
      })
      .join('');
    return [new RegExp(`^${source}$`, 's'), names];
  }
}

class ScriptedConnection {
  stream: Duplex;
  readonly #timeoutMs: number;
  #text = '';
  #out: Buffer[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(stream: Duplex, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.stream = stream;
    this.adopt(stream);
  }

  adopt(stream: Duplex): void {
    this.stream = stream;
    stream.on('data', this.#data);
    stream.on('error', this.#end);
    stream.on('end', this.#end);
    stream.on('close', this.#end);
  }

  /** Stops reading, so that somebody else can. */
  release(): void {
    this.stream.off('data', this.#data);
    this.stream.off('end', this.#end);
    this.stream.off('close', this.#end);
  }

  queue(octets: Buffer): void {
    this.#out.push(octets);
  }

  send(): void {
    if (this.#out.length > 0) this.stream.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  destroy(): void {
    this.stream.on('error', () => undefined);
    this.stream.destroy();
  }

  /** The next line without its end; undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    this.send();
    const timer = AbortSignal.timeout(this.#timeoutMs);
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end !== -1) {
        const line = this.#text.slice(0, end).replace(/\r$/, '');
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#ended) return undefined;
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([woken, once(timer, 'abort')]);
      if (timer.aborted)
        throw new Error(`no line within ${this.#timeoutMs} ms; half a line: ${JSON.stringify(this.#text)}`);
    }
  }

  #data = (chunk: Buffer): void => {
    this.#text += chunk.toString('utf8');
    this.#wake();
  };

  #end = (): void => {
    this.#ended = true;
    this.#wake();
  };
}
