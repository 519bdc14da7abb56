import type { LabUser, World } from '@waybill/lab';

/**
 * Lines to paste into a shell: a message sent by SMTP and read by IMAP and POP3, with curl alone.
 * @param next the number that the message will have in the reader's mailbox
 */
export function curlLines(world: World, from: LabUser, to: LabUser, next: number): string {
  const curl = (user: LabUser): string =>
    `curl -sS --cacert ${world.caFile} --user '${user.address}:${user.password}'`;
  const { ports } = world;
  return [
    '# write: over TLS (465 in the world outside)',
    `printf 'From: <${from.address}>\\r\\nTo: <${to.address}>\\r\\nSubject: Hello from curl\\r\\n\\r\\nIt works.\\r\\n' | \\`,
    `  ${curl(from)} smtps://localhost:${ports.msas} --mail-from ${from.address} --mail-rcpt ${to.address} --upload-file -`,
    '# read it: IMAP, then POP3; the number is the message’s place in the mailbox',
    `${curl(to)} 'imaps://localhost:${ports.imaps}/INBOX' -X 'UID SEARCH ALL'`,
    `${curl(to)} 'imaps://localhost:${ports.imaps}/INBOX;MAILINDEX=${next}'`,
    `${curl(to)} pop3s://localhost:${ports.pop3s}/${next}`,
  ].join('\n');
}
