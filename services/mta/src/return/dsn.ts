import {
  composeMultipart,
  formatDate,
  headerEnd,
  newBoundary,
  newMessageId,
  sevenBitText,
} from '@waybill/message';

/** A recipient that failed, as the report tells it. */
export interface FailedRecipient {
  readonly address: string;
  /** `rfc822;…` as the sender wrote it. */
  readonly orcpt: string | null;
  /** RFC 3463. */
  readonly status: string;
  /** The reply on one line. */
  readonly diagnostic: string;
  /** The host that said it; undefined for what we found out ourselves. */
  readonly remoteHost?: string;
  /** An earlier attempt ended without an answer, or it did now: it may have arrived. */
  readonly mayHaveArrived: boolean;
}

export interface ReportFacts {
  /** Our host name. */
  readonly hostname: string;
  readonly sender: string;
  readonly journeyId: string;
  readonly envid: string | null;
  readonly ret: 'FULL' | 'HDRS' | null;
  readonly arrivedAt: Date;
  readonly now: Date;
  readonly failed: readonly FailedRecipient[];
  readonly original: Buffer;
  /** Larger originals come back with their header only, octets. */
  readonly fullLimit: number;
}

/** Octets of a header that come back. */
const HEADER_LIMIT = 64 * 1024;

/** The report of RFC 3462 and RFC 3464: for people, for programs, and what it is about. CRLF line ends. */
export function composeReport(facts: ReportFacts): Buffer {
  const boundary = newBoundary();
  const header = [
    `Date: ${formatDate(facts.now)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${facts.hostname}>`,
    `To: <${oneLine(facts.sender)}>`,
    'Subject: Undelivered mail returned to sender',
    `Message-ID: ${newMessageId(facts.hostname)}`,
    'Auto-Submitted: auto-replied', // RFC 3834 §5
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
    '',
    '',
  ].join('\r\n');
  const parts = [
    {
      header: ['Content-Type: text/plain; charset=us-ascii', 'Content-Description: Notification'],
      content: sevenBitText(forPeople(facts)),
    },
    {
      header: ['Content-Type: message/delivery-status', 'Content-Description: Delivery report'],
      content: forPrograms(facts),
    },
    original(facts),
  ];
  return Buffer.concat([Buffer.from(header), composeMultipart(boundary, parts)]);
}

function forPeople(facts: ReportFacts): string {
  const lines = [
    `This is the mail system at ${facts.hostname}.`,
    '',
    'Your message could not be delivered to the following recipients:',
    '',
  ];
  for (const one of facts.failed) {
    lines.push(`  <${oneLine(one.address)}>`);
    lines.push(
      `      ${one.remoteHost === undefined ? '' : `${one.remoteHost} said: `}${oneLine(one.diagnostic)}`,
    );
    if (one.mayHaveArrived)
      lines.push('      An attempt ended without an answer: it may have been delivered nevertheless.');
    lines.push('');
  }
  lines.push(`The journey of your message is known here as ${facts.journeyId}.`, '');
  lines.push('The details follow for programs, and then your message or its header.');
  return lines.join('\r\n');
}

/** RFC 3464 §2. */
function forPrograms(facts: ReportFacts): string {
  const message = [`Reporting-MTA: dns; ${facts.hostname}`];
  if (facts.envid !== null) message.push(`Original-Envelope-Id: ${oneLine(facts.envid)}`);
  message.push(`Arrival-Date: ${formatDate(facts.arrivedAt)}`);
  const groups = facts.failed.map((one) => {
    const lines: string[] = [];
    if (one.orcpt !== null) lines.push(`Original-Recipient: ${typed(one.orcpt)}`);
    lines.push(
      `Final-Recipient: ${typed(`rfc822;${one.address}`)}`,
      'Action: failed',
      `Status: ${one.status}`,
    );
    if (one.remoteHost !== undefined) {
      lines.push(`Remote-MTA: dns; ${oneLine(one.remoteHost)}`);
      lines.push(folded('Diagnostic-Code: smtp; ', one.diagnostic));
    } else lines.push(folded('Diagnostic-Code: x-waybill; ', one.diagnostic));
    lines.push(`Last-Attempt-Date: ${formatDate(facts.now)}`);
    return lines;
  });
  return [message, ...groups].map((lines) => `${lines.join('\r\n')}\r\n`).join('\r\n');
}

/** RFC 3461 §4.3: RET asks for the whole or the header; a large message never comes back whole. */
function original(facts: ReportFacts): { header: string[]; content: Buffer } {
  const { original: message } = facts;
  const description = 'Content-Description: Undelivered message';
  if (facts.ret !== 'HDRS' && message.length <= facts.fullLimit)
    return { header: ['Content-Type: message/rfc822', ...encoding(message), description], content: message };
  const head = message.subarray(0, headerEnd(message));
  // Cut at a line's end: half a field would be none.
  const cut = head.length <= HEADER_LIMIT ? head.length : head.lastIndexOf('\r\n', HEADER_LIMIT) + 2;
  const content = head.subarray(0, cut);
  return { header: ['Content-Type: text/rfc822-headers', ...encoding(content), description], content };
}

/** RFC 2045 §6.2: what is not ASCII is said to be 8bit. */
function encoding(octets: Buffer): string[] {
  for (const octet of octets) if (octet > 127) return ['Content-Transfer-Encoding: 8bit'];
  return [];
}

/** An address with its type; one beyond ASCII in the form of RFC 6533 §3, which is ASCII. */
function typed(text: string): string {
  const semicolon = text.indexOf(';');
  const address = oneLine(text.slice(semicolon + 1));
  let out = '';
  for (const char of address) {
    const point = char.codePointAt(0) ?? 0;
    out += point > 126 ? `\\x{${point.toString(16).toUpperCase()}}` : char;
  }
  return out === address ? `${oneLine(text.slice(0, semicolon))}; ${address}` : `utf-8; ${out}`;
}

/** A field of foreign text: ASCII, no controls, folded at spaces before column 78. */
function folded(name: string, text: string): string {
  let line = name.trimEnd();
  const lines: string[] = [];
  for (const word of ascii(oneLine(text)).split(' ')) {
    if (line.length + 1 + word.length > 76 && line.length > 1) {
      lines.push(line);
      line = ` ${word}`;
    } else line += ` ${word}`;
  }
  lines.push(line);
  return lines.filter((one) => one.trim() !== '').join('\r\n');
}

function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, 1000);
}

function ascii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, '?');
}
