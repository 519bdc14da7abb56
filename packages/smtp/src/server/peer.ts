import type { Connection } from '@waybill/listener';
import type { Peer } from './session.ts';

/** What a session is told of its peer. */
export function peerOf(connection: Connection): Peer {
  const { remoteAddress: address, remotePort: port, sessionId, tls, agent } = connection;
  return {
    address,
    port,
    sessionId,
    ...(tls === undefined ? {} : { tls }),
    ...(agent === undefined ? {} : { agent }),
  };
}
