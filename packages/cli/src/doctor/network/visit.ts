import net from 'node:net';
import tls from 'node:tls';
import type { Call, DoorVisit } from '../facts.ts';
import { LineDialogue } from './line-dialogue.ts';

export type Place = (host: string, port: number) => { readonly host: string; readonly port: number };

export interface VisitOptions {
  readonly place: Place;
  readonly connectMs: number;
  /** For the greeting, which a host may hold back, and for each reply. */
  readonly replyMs: number;
}

export const VISIT_DEFAULTS = { connectMs: 5000, replyMs: 12_000 } as const;

/** An address that is nobody's, RFC 2606 §3: were it taken, the mail would still go nowhere, and none is sent. */
const STRANGER = 'waybill-doctor@example.net';

/** Calls a port and hangs up after the greeting. */
export async function call(
  host: string,
  address: string,
  port: number,
  options: VisitOptions,
): Promise<Call> {
  const place = `${host} (${address}) port ${port}`;
  const dialogue = await LineDialogue.open(options.place(address, port), options.connectMs);
  if (typeof dialogue === 'string')
    return { place, outcome: dialogue, transcript: [`-- ${place}: ${dialogue}`] };
  const banner = await dialogue.hear(options.replyMs);
  if (banner !== undefined) await dialogue.ask('QUIT', 2000);
  dialogue.close();
  return { place, outcome: banner === undefined ? 'silent' : 'open', transcript: dialogue.transcript };
}

/**
 * Visits port 25 of a mail host of ours: greeting, certificate, and whether it would relay. The relay
 * test asks RCPT and takes it back by RSET; no message is ever begun.
 */
export async function visit(
  target: { readonly host: string; readonly address: string; readonly ours: boolean },
  domain: string,
  options: VisitOptions,
): Promise<DoorVisit> {
  const { host, address, ours } = target;
  const place = `${host} (${address}) port 25`;
  const nothing = { ...target, place, banner: undefined, certificate: undefined, startTls: false, relay: [] };
  const dialogue = await LineDialogue.open(options.place(address, 25), options.connectMs);
  if (typeof dialogue === 'string') {
    const web = await answers(options.place(address, 443), options.connectMs);
    return { ...nothing, outcome: dialogue, transcript: [`-- ${place}: ${dialogue}`], web };
  }
  try {
    const banner = await dialogue.hear(options.replyMs);
    const found = {
      ...nothing,
      outcome: banner === undefined ? ('silent' as const) : ('open' as const),
      banner: banner?.split('\n')[0],
      transcript: dialogue.transcript,
      web: false,
    };
    if (banner === undefined || !banner.startsWith('220') || !ours) {
      if (banner !== undefined) await dialogue.ask('QUIT', 2000);
      return found;
    }
    return { ...found, ...(await examineDoor(dialogue, host, domain, options)) };
  } finally {
    dialogue.close();
  }
}

async function examineDoor(
  dialogue: LineDialogue,
  host: string,
  domain: string,
  { replyMs }: VisitOptions,
): Promise<Pick<DoorVisit, 'startTls' | 'certificate' | 'relay'>> {
  const local = dialogue.localAddress;
  const hello = `EHLO [${net.isIPv6(local) ? `IPv6:${local}` : local}]`;
  const offered = await dialogue.ask(hello, replyMs);
  const startTls = /^250[- ]STARTTLS\b/im.test(offered ?? '');
  let certificate: DoorVisit['certificate'];
  if (startTls && (await dialogue.ask('STARTTLS', replyMs))?.startsWith('220') === true) {
    const shown = await dialogue.secure(host, replyMs);
    if (shown !== undefined) {
      certificate = {
        names: namesOf(shown),
        matches: tls.checkServerIdentity(host, shown) === undefined,
        until: shown.valid_to ?? '',
      };
      await dialogue.ask(hello, replyMs);
    }
  }
  const relay: { said: string; reply: string }[] = [];
  for (const [from, to] of [
    ['', STRANGER],
    [`postmaster@${domain}`, STRANGER],
    ['', `@${host}:${STRANGER}`],
  ] as const) {
    const sender = await dialogue.ask(`MAIL FROM:<${from}>`, replyMs);
    if (sender === undefined) break;
    const said = `MAIL FROM:<${from}> RCPT TO:<${to}>`;
    if (!sender.startsWith('2')) {
      relay.push({ said, reply: sender });
      continue;
    }
    const reply = await dialogue.ask(`RCPT TO:<${to}>`, replyMs);
    if (reply === undefined) break;
    relay.push({ said, reply });
    await dialogue.ask('RSET', replyMs);
  }
  await dialogue.ask('QUIT', 2000);
  return { startTls, certificate, relay };
}

function namesOf(certificate: tls.PeerCertificate): string[] {
  const alternatives = (certificate.subjectaltname ?? '')
    .split(', ')
    .filter((one) => one.startsWith('DNS:'))
    .map((one) => one.slice(4));
  const common = certificate.subject?.CN;
  return alternatives.length > 0 ? alternatives : common === undefined ? [] : [common].flat();
}

async function answers(
  place: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<boolean> {
  const dialogue = await LineDialogue.open(place, timeoutMs);
  if (typeof dialogue === 'string') return false;
  dialogue.close();
  return true;
}
