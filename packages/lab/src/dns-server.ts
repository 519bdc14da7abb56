import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import packet, { type Answer, type DecodedPacket } from 'dns-packet';
import { parseZones, type Zone } from './zone-text.ts';

/** A small authoritative DNS server over UDP and TCP, for zones written as text. Loopback only. */
export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port`, as WAYBILL_DNS_SERVERS wants it. */
  readonly address: string;
  /** Replaces all zones: what is asked next sees them. */
  setZones(text: string): void;
  /** Queries answered or dropped so far. */
  readonly queries: number;
}

const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RCODE = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
/** Largest answer over UDP without EDNS0, RFC 1035 §4.2.1. */
const UDP_LIMIT = 512;

export async function startDns(options: {
  readonly zones: string;
  readonly port?: number;
  readonly host?: string;
}): Promise<DnsServer> {
  let zones = parseZones(options.zones);
  let queries = 0;
  const host = options.host ?? '127.0.0.1';
  const tcp = net.createServer((socket) =>
    serveTcp(
      socket,
      (query) => answer(query, zones),
      () => queries++,
    ),
  );
  tcp.listen(options.port ?? 0, host);
  await once(tcp, 'listening');
  const { port } = tcp.address() as net.AddressInfo;
  const udp = dgram.createSocket('udp4');
  udp.on('message', (message, peer) => {
    queries++;
    const response = answerOctets(message, (query) => answer(query, zones));
    if (response !== undefined) udp.send(limit(response, message), peer.port, peer.address);
  });
  udp.on('error', () => undefined);
  udp.bind(port, host);
  await once(udp, 'listening');
  return {
    port,
    address: `${host}:${port}`,
    setZones(text) {
      zones = parseZones(text);
    },
    get queries() {
      return queries;
    },
    async [Symbol.asyncDispose]() {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

function answerOctets(
  message: Buffer,
  respond: (query: DecodedPacket) => packet.Packet | undefined,
): Buffer | undefined {
  try {
    const response = respond(packet.decode(message));
    return response === undefined ? undefined : packet.encode(response);
  } catch {
    return undefined; // not DNS: dropped
  }
}

/** Over UDP an answer that is too long is cut to its head with TC set, so that the client asks again over TCP. */
function limit(response: Buffer, query: Buffer): Buffer {
  const asked = packet.decode(query).additionals?.find((record) => record.type === 'OPT') as
    | { udpPayloadSize?: number }
    | undefined;
  if (response.length <= Math.max(UDP_LIMIT, asked?.udpPayloadSize ?? 0)) return response;
  const whole = packet.decode(response);
  return packet.encode({
    type: 'response',
    id: whole.id ?? 0,
    questions: whole.questions ?? [],
    flags: AUTHORITATIVE | TRUNCATED,
  });
}

function serveTcp(
  socket: net.Socket,
  respond: (query: DecodedPacket) => packet.Packet | undefined,
  count: () => void,
): void {
  let pending = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.setTimeout(5000, () => socket.destroy());
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const length = pending.readUInt16BE(0);
      count();
      const response = answerOctets(pending.subarray(2, 2 + length), respond);
      pending = pending.subarray(2 + length);
      if (response === undefined) continue;
      const head = Buffer.alloc(2);
      head.writeUInt16BE(response.length);
      socket.write(Buffer.concat([head, response]));
    }
  });
}

/** The authoritative answer of RFC 1034 §4.3.2, with CNAMEs followed inside these zones and one level of wildcards. */
function answer(query: DecodedPacket, zones: readonly Zone[]): packet.Packet | undefined {
  const question = query.questions?.[0];
  const base = {
    type: 'response' as const,
    ...(query.id === undefined ? {} : { id: query.id }),
    questions: query.questions ?? [],
  };
  if (question === undefined) return { ...base, flags: RCODE.REFUSED };
  const answers: Answer[] = [];
  let name = question.name.toLowerCase();
  let rcode: number = RCODE.NOERROR;
  for (let hops = 0; hops < 10; hops++) {
    const zone = zones
      .filter((one) => name === one.origin || name.endsWith(`.${one.origin}`))
      .toSorted((a, b) => b.origin.length - a.origin.length)[0];
    if (zone === undefined) {
      if (hops === 0) rcode = RCODE.NXDOMAIN; // the lab is the whole world
      break;
    }
    if (zone.failure === 'DROP') return undefined;
    if (zone.failure !== undefined) return { ...base, flags: RCODE[zone.failure] };
    const records = zone.records.get(name) ?? wildcard(zone, name);
    if (records === undefined) {
      const hasChildren = [...zone.records.keys()].some((owner) => owner.endsWith(`.${name}`));
      if (!hasChildren && name !== zone.origin) rcode = RCODE.NXDOMAIN; // RFC 8020: an empty non-terminal exists
      break;
    }
    const cname = records.find((record) => record.type === 'CNAME') as { data: string } | undefined;
    if (cname !== undefined && question.type !== 'CNAME') {
      answers.push({ ...(cname as unknown as Answer), name } as Answer);
      name = cname.data.toLowerCase();
      continue;
    }
    for (const record of records)
      if (record.type === question.type || (question.type as string) === 'ANY')
        answers.push({ ...record, name } as Answer);
    break;
  }
  return { ...base, flags: AUTHORITATIVE | rcode, answers };
}

function wildcard(zone: Zone, name: string): readonly Answer[] | undefined {
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : zone.records.get(`*${name.slice(dot)}`);
}
