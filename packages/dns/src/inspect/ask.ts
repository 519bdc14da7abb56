import { plainName } from '../answer.ts';
import { exchange } from '../exchange.ts';
import { parseServer, type Server, ServerNames } from '../server.ts';
import { type Detail, type DetailType, type DetailTypes, readDetail } from './detail.ts';

export interface AskOptions {
  /** For each try, ms; 2,000 when not given. */
  readonly timeoutMs?: number;
  /** Tries at most; 2 when not given: one datagram may be lost. */
  readonly tries?: number;
  /** The server must be one of the zone's own: an answer without AA is none (a lame delegation). */
  readonly authoritative?: boolean;
}

const names = new ServerNames();

/** One question to one server, past every cache of ours. Never rejects: trouble is `failed`. */
export async function askServer<T extends DetailType>(
  server: string | Server,
  name: string,
  type: T,
  options: AskOptions = {},
): Promise<Detail<DetailTypes[T]>> {
  const { timeoutMs = 2000, tries = 2, authoritative = false } = options;
  const plain = plainName(name);
  if (!isAskable(plain)) return { kind: 'failed', cause: `${name} cannot be a name in the DNS` };
  let cause = '';
  for (let round = 0; round < tries; round++) {
    try {
      const located = await names.locate(
        typeof server === 'string' ? parseServer(server) : server,
        timeoutMs,
      );
      const response = await exchange(located, plain, type, timeoutMs);
      const rcode = (response as { rcode?: string }).rcode ?? 'NOERROR';
      if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') cause = `answers ${rcode}`;
      else if (authoritative && !response.flag_aa) cause = 'does not know the zone (its answers lack AA)';
      else return readDetail(response, plain, type);
      if (rcode !== 'SERVFAIL') break;
    } catch (error) {
      cause = (error as Error).message;
    }
  }
  return { kind: 'failed', cause };
}

/** RFC 1035 §2.3.4: labels of 1 to 63 octets, 253 in all as text. */
function isAskable(name: string): boolean {
  return (
    Buffer.byteLength(name) <= 253 &&
    name.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= 63)
  );
}
