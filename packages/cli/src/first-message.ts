import fs from 'node:fs';
import { ImapClient, type LabUser, type World } from '@waybill/lab';
import { SmtpConnection } from '@waybill/smtp/client';

/** The lab's first message: written by one user over submission, read by the other over IMAP. */

/** Says it to msa over TLS as `from`. @returns the journey id that msa answered. @throws Error with msa's refusal. */
export async function submit(
  world: World,
  from: LabUser,
  to: string,
  subject: string,
  text: readonly string[],
): Promise<string> {
  const opened = await SmtpConnection.open({
    host: '127.0.0.1',
    port: world.ports.msas,
    name: 'localhost',
    protocol: 'smtp',
    helloName: 'writer.red.test',
    tls: 'implicit',
    verify: true,
    credentials: { ca: fs.readFileSync(world.caFile, 'utf8') },
    auth: { username: from.address, password: from.password },
  });
  if (opened.kind === 'failed') throw new Error(`msa was not reached: ${opened.failure.cause}`);
  const body = [`From: <${from.address}>`, `To: <${to}>`, `Subject: ${subject}`, '', ...text, ''].join(
    '\r\n',
  );
  const [outcome] = await opened.connection.send({
    from: from.address,
    parameters: { smtputf8: false },
    recipients: [{ address: to }],
    body: Buffer.from(body),
  });
  opened.connection.retire();
  if (outcome?.kind !== 'replied') throw new Error(`msa gave no answer: ${outcome?.kind}`);
  const said = outcome.reply.lines.join(' ');
  const id = /queued as ([0-9a-f-]{36})/.exec(said)?.[1];
  if (outcome.reply.code !== 250 || id === undefined)
    throw new Error(`msa answered ${outcome.reply.code} ${outcome.reply.enhanced} ${said}`);
  return id;
}

/**
 * Waits by IDLE until the reader's INBOX holds a message with this subject, and fetches it.
 * @returns its octets, and its number in the mailbox
 * @throws after `timeoutMs`
 */
export async function readBySubject(
  world: World,
  reader: LabUser,
  subject: string,
  timeoutMs: number,
): Promise<{ octets: Buffer; number: number }> {
  const client = await ImapClient.connect({
    port: world.ports.imaps,
    ca: fs.readFileSync(world.caFile, 'utf8'),
  });
  const timer = setTimeout(() => client.close(), timeoutMs);
  try {
    await client.login(reader.address, reader.password);
    await client.ok('SELECT INBOX');
    for (;;) {
      const found = await client.ok(`UID SEARCH SUBJECT "${subject}"`);
      const uid = found.untagged.find((response) => response.text.startsWith('* SEARCH'))?.text.split(' ')[2];
      if (uid !== undefined) {
        const fetched = await client.ok(`UID FETCH ${uid} BODY[]`);
        await client.command('LOGOUT').catch(() => undefined);
        const response = fetched.untagged.find((one) => one.literals.length > 0);
        return {
          octets: response?.literals[0] ?? Buffer.alloc(0),
          number: Number(response?.text.split(' ')[1] ?? 0),
        };
      }
      // A message that came while the search ran was announced with its answer already.
      if (found.untagged.some((response) => response.text.endsWith(' EXISTS'))) continue;
      await client.idle((response) => response.text.endsWith(' EXISTS'));
    }
  } catch (error) {
    throw new Error(`the message was not read within ${timeoutMs / 1000} s`, { cause: error });
  } finally {
    clearTimeout(timer);
    client.close();
  }
}
