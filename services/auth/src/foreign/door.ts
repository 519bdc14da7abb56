import fs from 'node:fs';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { ForeignConnection } from './connection.ts';
import type { Conversation } from './conversation.ts';
import type { ForeignDoor, ForeignEvents } from './events.ts';
import { type Networks, plainAddress } from '@waybill/listener';
import type { Place } from './place.ts';

/**
 * One protocol for foreign agents at its places. Who is not in a listed network is closed at accept, before a
 * single octet is read; closing waits for what is being answered.
 */
export interface DoorOptions {
  readonly door: ForeignDoor;
  readonly places: readonly Place[];
  readonly networks: Networks;
  /** Octal, of the unix sockets. */
  readonly socketMode: string;
  readonly events: ForeignEvents;
  readonly converse: (client: string) => Conversation;
  readonly limits?: Partial<DoorLimits>;
}

export interface DoorLimits {
  /** Connections open at a time. Each process of a foreign agent keeps one. */
  readonly connections: number;
  readonly answerMs: number;
  readonly patienceMs: number;
  /** How often slow clients are looked for. */
  readonly tickMs: number;
  /** What a closing door gives to what is in hand. */
  readonly drainMs: number;
}

const LIMITS: DoorLimits = {
  connections: 4096,
  answerMs: 8000,
  patienceMs: 30_000,
  tickMs: 5000,
  drainMs: 9000,
};

export interface OpenDoor extends AsyncDisposable {
  /** Where it really listens: a port 0 has become one. */
  readonly places: readonly Place[];
  readonly open: number;
  readonly accepted: number;
}

/** @throws what listen() reports, for instance EADDRINUSE */
export async function openForeignDoor(options: DoorOptions): Promise<OpenDoor> {
  const limits = { ...LIMITS, ...options.limits };
  const connections = new Set<ForeignConnection>();
  const counts = { accepted: 0 };
  const admit = (socket: Socket, client: string): void => {
    if (connections.size >= limits.connections) {
      options.events.tooMany(options.door);
      socket.destroy();
      return;
    }
    const { door, events } = options;
    const { answerMs, patienceMs } = limits;
    const parts = { door, client, events, answerMs, patienceMs, conversation: options.converse(client) };
    const connection = new ForeignConnection(socket, parts);
    counts.accepted++;
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  };
  const servers: Server[] = [];
  const ticker = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) connection.tick(now);
  }, limits.tickMs).unref();
  const close = async (): Promise<void> => {
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of connections) connection.finish();
    const deadline = setTimeout(() => {
      for (const connection of connections) connection.destroy();
    }, limits.drainMs);
    await Promise.all(closed);
    clearTimeout(deadline);
    clearInterval(ticker);
  };
  const places: Place[] = [];
  try {
    for (const place of options.places) {
      const server = net.createServer(
        { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
        (socket) => accept(socket, place, options, admit),
      );
      servers.push(server);
      places.push(await listen(server, place, options.socketMode));
      server.on('error', (error) => options.events.broken(options.door, error));
    }
  } catch (error) {
    await close();
    throw error;
  }
  for (const place of places)
    options.events.opened(options.door, place, options.networks.entries, options.socketMode);
  return {
    places,
    get open() {
      return connections.size;
    },
    get accepted() {
      return counts.accepted;
    },
    [Symbol.asyncDispose]: close,
  };
}

function accept(
  socket: Socket,
  place: Place,
  { networks, events, door }: DoorOptions,
  admit: (socket: Socket, client: string) => void,
): void {
  socket.on('error', () => socket.destroy());
  if (place.kind === 'unix') {
    admit(socket, 'unix');
    return;
  }
  const { remoteAddress } = socket;
  const client = remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
  if (client !== undefined && networks.has(client)) {
    admit(socket, client);
    return;
  }
  if (client !== undefined) events.stranger(door, client);
  socket.destroy();
}

async function listen(server: Server, place: Place, mode: string): Promise<Place> {
  if (place.kind === 'unix') await removeStale(place.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      place.kind === 'unix' ? { path: place.path } : { host: place.host, port: place.port },
      () => {
        server.off('error', reject);
        resolve();
      },
    );
  });
  if (place.kind === 'tcp') return { ...place, port: (server.address() as AddressInfo).port };
  fs.chmodSync(place.path, Number.parseInt(mode, 8));
  return place;
}

/** A socket that a killed process left behind, at which nobody answers any more. */
async function removeStale(path: string): Promise<void> {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const answered = await new Promise<boolean>((resolve) => {
    const socket = net.connect(path);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
  if (!answered) fs.rmSync(path, { force: true });
}
