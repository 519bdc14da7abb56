import { once } from 'node:events';
import net from 'node:net';

/**
 * SMTP servers of the outside world, for trying: one that refuses every recipient, and one that
 * says 451 to a sender's first attempt and accepts the next.
 */
export interface ScriptedPeer extends AsyncDisposable {
  readonly port: number;
  /** Messages accepted so far. */
  readonly accepted: readonly {
    readonly from: string;
    readonly to: readonly string[];
    readonly data: string;
  }[];
}

/** Answers RCPT: undefined accepts. */
export type RcptScript = (from: string, to: string) => string | undefined;

/** Refuses everybody. */
export const rejectAll: RcptScript = (_from, to) => `550 5.1.1 <${to}>: nobody of that name here`;

/** Greylisting as many servers do it: the first attempt of each pair of sender and recipient is put off. */
export function acceptLater(): RcptScript {
  const seen = new Set<string>();
  return (from, to) => {
    const pair = `${from} ${to}`;
    if (seen.has(pair)) return undefined;
    seen.add(pair);
    return '451 4.7.1 Greylisted, come again';
  };
}

export async function startScriptedPeer(options: {
  readonly hostname: string;
  readonly rcpt: RcptScript;
  readonly port?: number;
}): Promise<ScriptedPeer> {
  const accepted: { from: string; to: string[]; data: string }[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    converse(socket, options, (message) => accepted.push(message));
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function converse(
  socket: net.Socket,
  options: { readonly hostname: string; readonly rcpt: RcptScript },
  accept: (message: { from: string; to: string[]; data: string }) => void,
): void {
  let from = '';
  let to: string[] = [];
  let data: string[] | undefined;
  let rest = '';
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.setTimeout(60_000, () => socket.destroy());
  say(`220 ${options.hostname} ESMTP`);
  const command = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') say(`250-${options.hostname}\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES`);
    else if (verb === 'HELO') say(`250 ${options.hostname}`);
    else if (verb === 'MAIL') {
      from = between(line);
      to = [];
      say('250 2.1.0 OK');
    } else if (verb === 'RCPT') {
      const refusal = options.rcpt(from, between(line));
      if (refusal === undefined) to.push(between(line));
      say(refusal ?? '250 2.1.5 OK');
    } else if (verb === 'DATA') {
      if (to.length === 0) say('554 5.5.1 No valid recipients');
      else {
        data = [];
        say('354 Go on');
      }
    } else if (verb === 'QUIT') {
      say(`221 2.0.0 ${options.hostname} closes`);
      socket.end();
    } else say(verb === 'RSET' || verb === 'NOOP' ? '250 2.0.0 OK' : '502 5.5.1 Not known here');
  };
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (data === undefined) command(line);
      else if (line === '.') {
        accept({ from, to, data: data.join('\r\n') });
        data = undefined;
        say('250 2.0.0 Taken, thank you');
      } else data.push(line.startsWith('.') ? line.slice(1) : line);
    }
  });
}

function between(line: string): string {
  return line.slice(line.indexOf('<') + 1, line.lastIndexOf('>'));
}
