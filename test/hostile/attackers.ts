/** Hostile clients of port 25, of several kinds; each comes back for as long as the attack lasts. */
import net, { type Socket } from 'node:net';

/** What it does once it is connected, and how long it stays at most, ms. */
interface Kind {
  readonly name: string;
  readonly act: (socket: Socket, every: (ms: number, act: () => void) => void) => void;
  readonly staysMs: number;
}

/** Reads greeting and EHLO's answer before it does harm: what talks too early is cut at once. */
function afterHello(socket: Socket, act: () => void): void {
  let text = '';
  let step = 0;
  const read = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (step === 0 && text.startsWith('220 ') && text.includes('\n')) {
      step = 1;
      text = '';
      socket.write(`EHLO host${Math.floor(Math.random() * 1e6)}.hostile.example\r\n`);
    } else if (step === 1 && /(?:^|\n)250 [^\n]*\n/.test(text)) {
      socket.off('data', read);
      socket.resume();
      act();
    }
  };
  socket.on('data', read);
}

const ENVELOPE = 'MAIL FROM:<stranger@slow.test>\r\nRCPT TO:<bob@blue.test>\r\n';
const HALF_HELLO = Buffer.from('16030101fc010001f80303', 'hex');

export const KINDS: readonly Kind[] = [
  { name: 'silent', staysMs: 60_000, act: () => undefined },
  {
    name: 'slowloris',
    staysMs: 60_000,
    act: (socket, every) => every(500, () => socket.write('E')),
  },
  {
    name: 'NOOP flood',
    staysMs: 3000,
    act: (socket) => afterHello(socket, () => socket.write('NOOP\r\n'.repeat(200))),
  },
  {
    name: 'EHLO flood',
    staysMs: 3000,
    act: (socket, every) => afterHello(socket, () => every(20, () => socket.write('EHLO again\r\n'))),
  },
  {
    name: 'giant line',
    staysMs: 3000,
    act: (socket) => afterHello(socket, () => socket.write(`NOOP ${'x'.repeat(100_000)}`)),
  },
  {
    name: 'never reads',
    staysMs: 30_000,
    act: (socket, every) => {
      afterHello(socket, () => {
        socket.pause();
        every(100, () => socket.write('HELP\r\nVRFY x\r\nRSET\r\n'));
      });
    },
  },
  {
    name: 'half handshake',
    staysMs: 30_000,
    act: (socket) =>
      afterHello(socket, () => {
        socket.write('STARTTLS\r\n');
        socket.once('data', () => socket.write(HALF_HELLO));
      }),
  },
  {
    name: 'junk',
    staysMs: 2000,
    act: (socket) => socket.write(Buffer.from(Array.from({ length: 4000 }, () => Math.random() * 256))),
  },
  { name: 'HTTP', staysMs: 2000, act: (socket) => socket.write('GET / HTTP/1.1\r\nHost: mx\r\n\r\n') },
  {
    name: 'one-octet body',
    staysMs: 20_000,
    act: (socket, every) =>
      afterHello(socket, () => {
        socket.write(`${ENVELOPE}DATA\r\n`);
        every(10, () => socket.write('.'));
      }),
  },
  {
    name: 'dots',
    staysMs: 3000,
    act: (socket) =>
      afterHello(socket, () => {
        socket.write(`${ENVELOPE}DATA\r\n`);
        socket.once('data', () => socket.write('..\r\n'.repeat(20_000)));
      }),
  },
  {
    name: 'guesses names',
    staysMs: 5000,
    act: (socket, every) =>
      afterHello(socket, () => {
        socket.write('MAIL FROM:<stranger@slow.test>\r\n');
        every(50, () => socket.write(`RCPT TO:<guess${Math.floor(Math.random() * 1e6)}@red.test>\r\n`));
      }),
  },
  {
    name: 'lying chunks',
    staysMs: 20_000,
    act: (socket, every) =>
      afterHello(socket, () => {
        socket.write(`${ENVELOPE}BDAT 9000000000000000\r\n`);
        every(100, () => socket.write('x'.repeat(1000)));
      }),
  },
  {
    name: 'resets',
    staysMs: 1000,
    act: (socket) => afterHello(socket, () => socket.resetAndDestroy()),
  },
];

/** What the attackers have done so far. */
export interface Damage {
  /** Connections that were opened. */
  opened: number;
  /** Open now. */
  open: number;
  /** Replies 421, 5yz that ended a connection, and plain closes. */
  cut: number;
}

/** How long an attacker that was cut waits before it comes back, ms. */
const BACK_AFTER_MS = 1000;

/** `count` attackers on a port, all kinds in turn. */
export class Attack {
  readonly damage: Damage = { opened: 0, open: 0, cut: 0 };
  readonly #port: number;
  readonly #addressOf: (attacker: number) => string;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #over = false;

  /** @param addressOf the local address of an attacker, of 127.0.0.0/8 */
  constructor(port: number, addressOf: (attacker: number) => string) {
    this.#port = port;
    this.#addressOf = addressOf;
  }

  start(count: number): void {
    // Over one second, so that the beginning is no measure of the rest.
    for (let i = 0; i < count; i++) this.#later((i * 1000) / count, () => this.#come(i));
  }

  stop(): void {
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #come(attacker: number): void {
    if (this.#over) return;
    const kind = KINDS[attacker % KINDS.length];
    if (kind === undefined) return;
    const socket = net.connect({
      port: this.#port,
      host: '127.0.0.1',
      localAddress: this.#addressOf(attacker),
      noDelay: true,
    });
    this.#sockets.add(socket);
    const own: NodeJS.Timeout[] = [];
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      this.damage.opened++;
      this.damage.open++;
      socket.resume();
      kind.act(socket, (ms, act) => {
        const timer = setInterval(() => {
          if (socket.writableLength < 65_536) act();
        }, ms);
        own.push(timer);
        this.#timers.add(timer);
      });
      own.push(this.#later(kind.staysMs, () => socket.destroy()));
      socket.once('end', () => this.damage.cut++);
      socket.once('close', () => this.damage.open--);
    });
    socket.once('close', () => {
      this.#sockets.delete(socket);
      for (const timer of own) {
        clearInterval(timer);
        this.#timers.delete(timer);
      }
      this.#later(BACK_AFTER_MS, () => this.#come(attacker));
    });
  }

  #later(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }
}
