import type net from 'node:net';
import type { Pop3Job, Running, Tally } from './job.ts';
import { connect } from './socket.ts';

const END = Buffer.from('\r\n.\r\n');

/** A POP3 reader (RFC 1939): logs in, then RETR message after message, with `ahead` of them on the way. */
export function pop3Job(job: Pop3Job): Running {
  let socket: net.Socket | undefined;
  let held = 0;
  let pending: Buffer = Buffer.alloc(0);
  let onData: (() => void) | undefined;
  let closed = false;

  const until = async <T>(take: () => T | undefined): Promise<T> => {
    for (;;) {
      const taken = take();
      if (taken !== undefined) return taken;
      if (closed) throw new Error('the connection broke');
      await new Promise<void>((resolve) => (onData = resolve));
    }
  };
  const line = (): string | undefined => {
    const end = pending.indexOf(10);
    if (end < 0) return undefined;
    const text = pending.toString('latin1', 0, end).trimEnd();
    pending = pending.subarray(end + 1);
    return text;
  };
  const ask = async (command: string): Promise<string> => {
    if (command !== '') socket?.write(`${command}\r\n`);
    const reply = await until(line);
    if (!reply.startsWith('+OK')) throw new Error(`${command.split(' ')[0]}: ${reply}`);
    return reply;
  };

  return {
    async prepare() {
      socket = connect(job.door, 0);
      socket.on('data', (chunk: Buffer) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        onData?.();
      });
      socket.on('close', () => {
        closed = true;
        onData?.();
      });
      await ask('');
      await ask(`USER ${job.login.user}`);
      await ask(`PASS ${job.login.password}`);
      held = Number((await ask('STAT')).split(' ')[1]);
      if (!(held > 0)) throw new Error('an empty maildrop');
    },
    async run(tally: Tally) {
      const began: number[] = [];
      let sent = 0;
      let got = 0;
      const more = (): void => {
        let text = '';
        for (; sent < job.count && sent - got < job.ahead; sent++) {
          text += `RETR ${1 + (sent % held)}\r\n`;
          began[sent] = performance.now();
        }
        if (text !== '') socket?.write(text);
      };
      // A long message is looked through once, not again with every packet.
      let looked = 0;
      const message = (): number | undefined => {
        const end = pending.indexOf(END, Math.max(0, looked - END.length));
        if (end < 0) {
          looked = pending.length;
          return undefined;
        }
        looked = 0;
        if (pending[0] !== 0x2b) throw new Error(`RETR: ${pending.toString('latin1', 0, 80)}`);
        pending = pending.subarray(end + END.length);
        return end;
      };
      more();
      while (got < job.count) {
        tally.octets += await until(message);
        tally.ok(performance.now() - (began[got] ?? 0));
        got++;
        more();
      }
    },
    async close() {
      if (socket !== undefined && !closed) await ask('QUIT').catch(() => undefined);
      socket?.destroy();
    },
  };
}
