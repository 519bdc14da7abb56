import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Agent, AGENTS } from '@waybill/auth-client';

/**
 * Who calls: the first DNS name in the subject alternative names of the client's certificate, which
 * the private authority signed. Read once per connection.
 */
const callers = new WeakMap<TLSSocket, string>();

/** The name in the certificate; undefined when the connection has none that the authority signed. */
export function callerOf(socket: TLSSocket): string | undefined {
  const known = callers.get(socket);
  if (known !== undefined) return known;
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  const name = certificate === undefined ? undefined : firstDnsName(certificate);
  if (name !== undefined) callers.set(socket, name);
  return name;
}

export function firstDnsName(certificate: X509Certificate): string | undefined {
  // Names with a comma or a quote stand in quotes here, and so are never the name of an agent.
  for (const entry of certificate.subjectAltName?.split(', ') ?? [])
    if (entry.startsWith('DNS:')) return entry.slice(4);
  return undefined;
}

export function isAgent(name: string | undefined): name is Agent {
  return AGENTS.some((agent) => agent === name);
}
