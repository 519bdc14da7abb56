/** Plays the conversations of test/transcripts/imap, the connections of a script by turns on two replicas. */
import fs from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import tls from 'node:tls';
import { playTranscript } from '@waybill/lab';
import { openReplicas, type Replicas } from './postgres-bed.ts';

const FOLDER = path.join(import.meta.dirname, 'transcripts/imap');

suite('IMAP transcripts', () => {
  let replicas: Replicas;
  before(async () => {
    replicas = await openReplicas(2);
  });
  after(() => replicas[Symbol.asyncDispose]());

  for (const file of fs.readdirSync(FOLDER)) {
    test(file, async () => {
      await playTranscript(fs.readFileSync(path.join(FOLDER, file), 'utf8'), {
        connect: (name) => {
          const bed = replicas.beds[name === '2' ? 1 : 0]!;
          return tls.connect({ port: bed.tlsPort, host: '127.0.0.1', ca: bed.ca, servername: 'localhost' });
        },
      });
    });
  }
});
