import { type DoorVisit, type Facts } from '../facts.ts';
import { cannotTell, type Check, type Finding, fix, ok, warn } from '../finding.ts';

/** What real connections show, and this machine itself. */
export const NETWORK_CHECKS: readonly Check[] = [
  { id: 'MX-6', title: 'Port 25 answers, under its name', level: 'required', look: door },
  { id: 'NET-1', title: 'Mail can go out on port 25', level: 'required', look: outbound },
  { id: 'NET-2', title: 'Clients’ addresses arrive', level: 'required', look: clientAddress },
  { id: 'NET-3', title: 'No open relay', level: 'required', look: relay },
  { id: 'NET-4', title: 'Mail ports are free for us', level: 'required', look: ports },
];

function ourDoors({ network }: Facts): DoorVisit[] {
  return network.doors.filter(({ ours }) => ours);
}

function noVisit({ network }: Facts): Finding {
  return cannotTell(`No mail host of ours was called: ${network.notVisited ?? 'none is known'}.`);
}

function door(facts: Facts): Finding {
  const doors = ourDoors(facts);
  if (doors.length === 0) return noVisit(facts);
  const closed = doors.filter(({ outcome }) => outcome !== 'open');
  const [first] = closed;
  if (first !== undefined)
    return fix(
      `Port 25 of ${closed.map(({ host, address, outcome }) => `${host} (${address}) is ${outcome === 'refused' ? 'closed' : outcome}`).join(', ')}, seen from here.`,
      'Open TCP 25 inbound: at the provider, in the firewall, and as the port of mx (SMTP_PORT=25 with compose). If others reach it and only this machine does not, run the doctor from another one.',
      { evidence: closed.flatMap(({ transcript }) => transcript) },
    );
  for (const visited of doors) {
    const { host, banner = '', startTls, certificate, transcript } = visited;
    const evidence = transcript.slice(0, 12);
    if (!banner.startsWith('220'))
      return fix(`${visited.place} does not take mail: \`${banner}\`.`, 'Look at the log of mx.', {
        evidence,
      });
    const named = banner.slice(4).split(' ')[0] ?? '';
    if (named.toLowerCase() !== host && named.toLowerCase() !== facts.site.host)
      return warn(
        `${visited.place} greets as \`${named}\`, and the MX says \`${host}\`: another host answers, or its name is set wrongly.`,
        `Set WAYBILL_HOSTNAME=${facts.site.host} for mx (MAIL_HOSTNAME with compose).`,
        { evidence },
      );
    if (!startTls)
      return warn(
        `${visited.place} offers no STARTTLS: mail comes in the clear.`,
        'Give mx its certificate (WAYBILL_TLS_CERT_FILE, WAYBILL_TLS_KEY_FILE).',
        { evidence },
      );
    if (certificate === undefined)
      return warn(`${visited.place} offers STARTTLS, and no TLS comes about.`, 'Look at the log of mx.', {
        evidence,
      });
    if (!certificate.matches)
      return warn(
        `The certificate of ${visited.place} is for ${certificate.names.join(', ') || 'nobody'}, not for \`${host}\`.`,
        `Get a certificate for ${host}.`,
        { evidence },
      );
    if (Date.parse(certificate.until) < Date.now())
      return fix(
        `The certificate of ${visited.place} expired on ${certificate.until}.`,
        `Renew the certificate for ${host}.`,
        { evidence },
      );
  }
  return ok(
    doors
      .map(({ place }) => place)
      .join(', ')
      .concat(': greeting and certificate have the right name.'),
    {
      evidence: doors.map(({ banner }) => banner ?? ''),
    },
  );
}

function outbound({ network }: Facts): Finding {
  const { outbound: called } = network;
  if (called === undefined)
    return cannotTell(
      'No stranger was called. Name a mail host that may be: --outbound DOMAIN, or WAYBILL_DOCTOR_OUTBOUND.',
    );
  if (called.outcome === 'open') return ok(`${called.place} answers.`, { evidence: called.transcript });
  if (called.outcome === 'unreachable')
    return cannotTell(`There is no way from here to ${called.place}.`, { evidence: called.transcript });
  return fix(
    `${called.place} ${called.outcome === 'refused' ? 'refuses' : 'gives no answer'}: port 25 is blocked on the way out.`,
    'Your provider blocks it. Ask for unblocking or set WAYBILL_RELAY_URL=smtps://… (RELAY_URL with compose) to a smart host.',
    { evidence: called.transcript },
  );
}

function clientAddress({ network: { lost } }: Facts): Finding {
  if (lost.kind === 'unknown') return cannotTell(`mx was not asked: ${lost.cause}.`);
  const gone = lost.value.filter((one) => one.lost === true);
  const names = (list: typeof lost.value): string => list.map(({ replica }) => replica).join(', ');
  if (gone.length > 0)
    return fix(
      `At ${names(gone)} all peers share one inner address: real addresses are hidden; SPF, bans and rate limits cannot work.`,
      'Let the edge send PROXY headers and name its network in WAYBILL_PROXY_FROM; Kubernetes: externalTrafficPolicy: Local on the Service; Docker: the edge of this repository, or host networking, in place of a published port.',
      { evidence: gone.map(({ replica }) => `${replica}: waybill_mx_client_address_lost 1`) },
    );
  const unsure = lost.value.filter((one) => one.lost === undefined);
  if (unsure.length > 0) return cannotTell(`${names(unsure)} does not say.`);
  return ok(`${names(lost.value)}: clients come with addresses of their own.`);
}

function relay(facts: Facts): Finding {
  const doors = ourDoors(facts).filter((one) => one.relay.length > 0);
  if (doors.length === 0)
    return ourDoors(facts).length === 0
      ? noVisit(facts)
      : cannotTell('The mail host did not let itself be asked.');
  const all = doors.flatMap(({ place, relay: tries }) => tries.map((one) => ({ place, ...one })));
  const evidence = all.map(({ place, said, reply }) => `${place}: ${said} -> ${reply.split('\n').at(-1)}`);
  // A sender who is let pass is not yet a recipient: a refusal of either is a refusal.
  const taken = all.filter(({ reply }) => reply.startsWith('2'));
  if (taken[0] !== undefined)
    return fix(
      `${taken[0].place} takes mail from strangers for strangers: an open relay. It will be used for spam within hours.`,
      'Close port 25 until it is mended: take the network from which you asked out of every list of trusted ones, of this host and of whatever stands in front of it.',
      { evidence },
    );
  const later = all.filter(({ reply }) => !reply.startsWith('5'));
  if (later.length === all.length)
    return cannotTell(`It says neither yes nor no: ${later[0]?.reply}.`, { evidence });
  return ok('A stranger’s mail to a stranger is refused, and was not sent.', { evidence });
}

/** Programs that hold mail ports on many machines, and how they are stopped. */
const STOP: ReadonlyMap<string, string> = new Map([
  ['postfix', 'systemctl disable --now postfix'],
  ['master', 'systemctl disable --now postfix'],
  ['exim', 'systemctl disable --now exim'],
  ['exim4', 'systemctl disable --now exim4'],
  ['sendmail', 'systemctl disable --now sendmail'],
  ['sendmail-mta', 'systemctl disable --now sendmail'],
  ['smtpd', 'systemctl disable --now opensmtpd'],
  ['opensmtpd', 'systemctl disable --now opensmtpd'],
  ['dovecot', 'systemctl disable --now dovecot'],
  ['imap-login', 'systemctl disable --now dovecot'],
  ['pop3-login', 'systemctl disable --now dovecot'],
  ['cyrmaster', 'systemctl disable --now cyrus-imapd'],
  ['couriertcpd', 'systemctl disable --now courier-imap'],
  ['nullmailer', 'systemctl disable --now nullmailer'],
]);

function ports({ network: { holders } }: Facts): Finding {
  if (holders.kind === 'unknown')
    return cannotTell(`Who holds the mail ports of this machine is not known: ${holders.cause}.`);
  const evidence = holders.value.map(
    ({ port, program, pid }) =>
      `port ${port}: ${program ?? 'a process that may not be looked at'}${pid === undefined ? '' : ` (pid ${pid})`}`,
  );
  const foreign = holders.value.filter(({ program }) => program !== undefined && STOP.has(program));
  const [first] = foreign;
  if (first !== undefined) {
    const commands = [...new Set(foreign.map(({ program }) => STOP.get(program ?? '')))];
    return fix(
      `${foreign.map(({ port, program, pid }) => `\`${program}\`${pid === undefined ? '' : ` (pid ${pid})`} holds port ${port}`).join(', ')} of this machine: we cannot listen there.`,
      `Where it is no longer needed: ${commands.join('; ')}`,
      { evidence },
    );
  }
  return ok(
    holders.value.length === 0
      ? 'Nobody listens on them on this machine.'
      : 'No other mail server holds one.',
    { evidence },
  );
}
