import { randomInt } from 'node:crypto';
import net from 'node:net';

/**
 * Ports for servers that are started a little later, by this process or by its children, and that
 * no other process takes meanwhile. A process owns a block of ports for as long as it listens on
 * the block's first one: the kernel gives that to one process only, and takes it back at its death.
 *
 * The blocks lie below the ports that systems take for outgoing connections (from 32768 on Linux),
 * so that none of them is in the way when the port is bound at last; and above 10080, the last one that fetch() will not
 * ask (WHATWG Fetch, "port blocking").
 */
const FIRST = 10_112;
const LAST = 32_767;
const BLOCK = 64;

/** Held, and let go by the kernel when the process ends. */
const guards: net.Server[] = [];
/** The rest of the block that is ours. */
let left: number[] = [];
/** Blocks are taken one at a time, however many ask. */
let taking: Promise<void> | undefined;

/** A port on which nothing listens and that is given to nobody else, once. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = left.shift();
    if (port === undefined) await (taking ??= takeBlock());
    else if (await isFree(port)) return port;
  }
}

async function takeBlock(): Promise<void> {
  const blocks = Math.floor((LAST + 1 - FIRST) / BLOCK);
  for (;;) {
    const first = FIRST + randomInt(blocks) * BLOCK;
    const server = await listen(first);
    if (server === undefined) continue;
    server.unref();
    guards.push(server);
    left = Array.from({ length: BLOCK - 1 }, (_, index) => first + 1 + index);
    taking = undefined;
    return;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listen(port: number): Promise<net.Server | undefined> {
  const server = net.createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}
