/** Conversations in test/transcripts/pop3, played against POP3 over the mail store in a real Postgres. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { CertificateAuthority, playTranscript, testDatabase } from '@waybill/lab';
import { blobstoreSchema } from '@waybill/blobstore';
import { openListener, TlsContexts } from '@waybill/listener';
import { mailstoreSchema, openReaderStore } from '@waybill/mailstore';
import { openPool } from '@waybill/postgres';
import { servePop3 } from '../src/pop3/serve-pop3.ts';
import type { Pop3Deps } from '../src/pop3/session.ts';

const FOLDER = path.join(import.meta.dirname, 'transcripts/pop3');
const MESSAGES = [
  'Subject: one\r\n\r\nfirst line\r\nsecond',
  'Subject: two\r\n\r\n.stuffed\r\nend\r\n',
  'Subject: three\r\n\r\nfirst line\r\nlast\r\n',
];

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
let play: (script: string, accountId: string) => Promise<void>;

before(async () => {
  const database = stack.use(await testDatabase([blobstoreSchema, mailstoreSchema]));
  const pool = stack.adopt(openPool(database.urlAs('mra'), { size: 4, name: 'mra-test' }), (open) =>
    open.end(),
  );
  const signal = {
    publish: () => undefined,
    subscribe: () => () => undefined,
    close: () => Promise.resolve(),
  };
  const store = openReaderStore(pool, { signal });
  const authority = await CertificateAuthority.create('test');
  const issued = await authority.issue(['mra.test']);
  const contexts = new TlsContexts({ cert: issued.certificate, key: issued.key });
  const nothing = (): void => undefined;

  play = async (script, accountId) => {
    const account = { accountId, address: 'alice@red.test', quotaBytes: 0, quotaMessages: 0 };
    await store.openAccount(account);
    for (const message of MESSAGES) {
      const body = Buffer.from(message);
      const item = {
        flags: 0,
        keywords: [],
        internalDate: null,
        body,
        summary: Buffer.alloc(0),
        sentAt: null,
      };
      await store.append(account, 'INBOX', [item]);
    }
    const deps: Pop3Deps = {
      hostname: 'mra.test',
      store,
      timers: { failedLogin: 0 },
      auth: {
        authenticate: ({ username, password }) =>
          Promise.resolve(
            username === 'alice@red.test' && password === 'secret'
              ? { status: 'ok', account }
              : { status: 'denied' },
          ),
        sasl: () => Promise.resolve({ status: 'denied' }),
      },
      mechanisms: ['PLAIN'],
      events: {
        closed: nothing,
        loggedIn: nothing,
        loginFailed: nothing,
        command: nothing,
        fetched: nothing,
        outage: (_session, doing, error) => assert.fail(`${doing}: ${String(error)}`),
        bug: (_session, doing, error) => assert.fail(`${doing}: ${String(error)}`),
      },
    };
    await using listener = await openListener({
      host: '127.0.0.1',
      port: 0,
      tls: contexts,
      implicitTls: true,
      onConnection: (connection) => servePop3(connection, deps),
    });
    await playTranscript(script, {
      connect: async () => {
        const secure = { ca: authority.certificate, servername: 'mra.test' };
        const socket = tls.connect({ host: '127.0.0.1', port: listener.port, ...secure });
        await once(socket, 'secureConnect');
        return socket;
      },
    });
  };
});

const files = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.pop3'));
for (const [index, file] of files.entries()) {
  test(path.basename(file, '.pop3'), () =>
    play(fs.readFileSync(path.join(FOLDER, file), 'utf8'), String(index + 1)),
  );
}
