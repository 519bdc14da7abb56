import net from 'node:net';
import tls from 'node:tls';
import type { Door } from './job.ts';

/** Connections of the load clients: in clear, or TLS that trusts one authority. */

const contexts = new Map<string, tls.SecureContext>();

/** The `index`-th connection to a door. Errors come to whoever listens for 'close' too. */
export function connect(door: Door, index: number): net.Socket {
  const port = door.ports[index % door.ports.length];
  if (port === undefined) throw new Error('a door without ports');
  if (door.ca === undefined) {
    const socket = net.connect({ host: door.host, port, noDelay: true });
    socket.on('error', () => undefined);
    return socket;
  }
  let secureContext = contexts.get(door.ca);
  if (secureContext === undefined) {
    secureContext = tls.createSecureContext({ ca: door.ca, allowPartialTrustChain: true });
    contexts.set(door.ca, secureContext);
  }
  const socket = tls.connect({
    host: door.host,
    port,
    secureContext,
    // The authority is this run's own; which of its names a server shows is not what is measured.
    checkServerIdentity: () => undefined,
  });
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  return socket;
}
