import fs from 'node:fs';
import path from 'node:path';
import { CertificateAuthority } from '@waybill/certificates';
import { temporaryFolder } from '@waybill/lab';
import { type MailFormat, startDovecot } from './dovecot.ts';
import { startPostfix } from './postfix.ts';
import { findPrograms } from './programs.ts';
import { accountsOf, allAccounts, type Target } from './target.ts';

/** What could be set up beside us, and in words what could not. */
export interface Beside {
  readonly target: Target | undefined;
  readonly missing: readonly string[];
}

/**
 * Postfix and Dovecot in a temporary folder on free ports, with the same accounts and passwords as ours. Dovecot
 * alone, where Postfix is not installed or we are not root; nothing, where there is no Dovecot.
 */
export async function startPostfixAndDovecot(options: {
  readonly readers: number;
  readonly sinkPort: number;
  readonly format: MailFormat;
}): Promise<Beside> {
  const found = findPrograms();
  const missing: string[] = [];
  if (found.dovecot === undefined)
    missing.push('NOT FOUND: dovecot (packages dovecot-imapd dovecot-pop3d dovecot-lmtpd)');
  if (found.postfix === undefined) missing.push('NOT FOUND: postfix (package postfix)');
  else if (process.getuid?.() !== 0) missing.push('NOT RUN: postfix starts as root only');
  if (found.dovecot === undefined) return { target: undefined, missing };
  await using opening = new AsyncDisposableStack();
  const folder = temporaryFolder();
  opening.defer(() => fs.rmSync(folder, { recursive: true, force: true }));
  const authority = await CertificateAuthority.create('Waybill bench');
  await authority.issueInto(folder, 'public', ['mx.bench.test', 'localhost'], ['127.0.0.1']);
  const certificate = path.join(folder, 'public.pem');
  const key = path.join(folder, 'public.key');
  const accounts = accountsOf(options.readers);
  const users = allAccounts(accounts);
  try {
    const dovecot = opening.use(
      await startDovecot({
        program: found.dovecot,
        folder: path.join(folder, 'dovecot'),
        certificate,
        key,
        users,
        clear: accounts.clear,
        format: options.format,
      }),
    );
    const postfix =
      found.postfix === undefined || process.getuid?.() !== 0
        ? undefined
        : opening.use(
            await startPostfix({
              program: found.postfix,
              folder: path.join(folder, 'postfix'),
              certificate,
              key,
              users,
              lmtpPort: dovecot.ports.lmtp,
              sinkPort: options.sinkPort,
              saslSocket: dovecot.saslSocket,
            }),
          );
    const secure = (port: number) => ({ host: '127.0.0.1', ports: [port], ca: authority.certificate });
    const stack = opening.move();
    const target: Target = {
      name: postfix === undefined ? 'Dovecot' : 'Postfix + Dovecot',
      versions: { ...(postfix === undefined ? {} : { Postfix: postfix.version }), Dovecot: dovecot.version },
      settings: [...(postfix?.settings ?? []), ...dovecot.settings],
      doors: {
        imap: secure(dovecot.ports.imap),
        pop3: secure(dovecot.ports.pop3),
        ...(postfix === undefined
          ? {}
          : {
              mx: { host: '127.0.0.1', ports: [postfix.ports.mx] },
              submission: secure(postfix.ports.submission),
            }),
      },
      parts: [
        ...(postfix === undefined ? [] : [{ label: 'postfix', roots: () => [postfix.pid] }]),
        { label: 'dovecot', roots: () => [dovecot.pid] },
      ],
      accounts,
      queued: () => Promise.resolve(postfix?.queued() ?? 0),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
    return { target, missing };
  } catch (error) {
    missing.push(`NOT RUN: ${(error as Error).message}`);
    return { target: undefined, missing };
  }
}
