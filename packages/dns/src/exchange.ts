import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import packet from 'dns-packet';
import type { Server } from './server.ts';

/** Octets that we take in a UDP answer, RFC 6891 §6.2.5 and the fragmentation advice of 2020. */
const UDP_PAYLOAD = 1232;
const AUTHENTIC_DATA = 1 << 5;

/**
 * One question to one server: over UDP from a port of its own with a random id, again over TCP when
 * the answer was cut (RFC 7766 §5). The server's host is an address. Rejects when there is no good answer in time.
 */
export async function exchange(
  server: Server,
  name: string,
  type: packet.RecordType,
  timeoutMs: number,
): Promise<packet.DecodedPacket> {
  const id = randomInt(0x10000);
  const question = packet.encode({
    type: 'query',
    id,
    flags: packet.RECURSION_DESIRED | AUTHENTIC_DATA, // RFC 6840 §5.7
    questions: [{ type, name }],
    additionals: [{ type: 'OPT', name: '.', udpPayloadSize: UDP_PAYLOAD } as unknown as packet.Answer],
  });
  const read = (octets: Buffer): packet.DecodedPacket | undefined => answerTo(octets, id, name, type);
  const answer = await overUdp(server, question, read, timeoutMs);
  return answer.flag_tc ? overTcp(server, question, read, timeoutMs) : answer;
}

/** Decodes what answers this very question; anything else is undefined, also what is no DNS. */
function answerTo(octets: Buffer, id: number, name: string, type: string): packet.DecodedPacket | undefined {
  try {
    const answer = packet.decode(octets);
    const asked = answer.questions?.[0];
    const ours =
      answer.type === 'response' &&
      answer.id === id &&
      asked?.type === type &&
      asked.name.toLowerCase() === name;
    return ours ? answer : undefined;
  } catch {
    return undefined;
  }
}

type Read = (octets: Buffer) => packet.DecodedPacket | undefined;

function overUdp(
  server: Server,
  question: Buffer,
  read: Read,
  timeoutMs: number,
): Promise<packet.DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(net.isIPv6(server.host) ? 'udp6' : 'udp4');
    const timer = setTimeout(
      () => end(new Error(`no answer from ${server.host} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const end = (outcome: Error | packet.DecodedPacket): void => {
      clearTimeout(timer);
      socket.removeAllListeners('message');
      try {
        socket.close();
      } catch {
        // It was closed by the error that brought us here.
      }
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.on('error', end);
    // What is no answer to this question, forged or late, is passed over: the true one may still come.
    socket.on('message', (octets) => {
      const answer = read(octets);
      if (answer !== undefined) end(answer);
    });
    // Connected: the kernel drops what other hosts send.
    socket.connect(server.port, server.host, () => {
      socket.send(question, (error) => {
        if (error !== null) end(error);
      });
    });
  });
}

function overTcp(
  server: Server,
  question: Buffer,
  read: Read,
  timeoutMs: number,
): Promise<packet.DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: server.host, port: server.port });
    const timer = setTimeout(() => fail('no answer over TCP in time'), timeoutMs);
    const fail = (cause: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(`${server.host}: ${cause}`));
    };
    let received = Buffer.alloc(0);
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('the connection was closed'));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(question.length);
      socket.write(Buffer.concat([length, question]));
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answer = read(received.subarray(2, 2 + received.readUInt16BE(0)));
      if (answer === undefined) return fail('not an answer to what was asked');
      clearTimeout(timer);
      socket.removeAllListeners('close');
      socket.destroy();
      resolve(answer);
    });
  });
}
