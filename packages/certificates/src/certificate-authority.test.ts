import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import { CertificateAuthority } from './certificate-authority.ts';

test('two agents know each other by the certificates of one authority, and strangers are refused', async () => {
  const ours = await CertificateAuthority.create('Waybill lab');
  const theirs = await CertificateAuthority.create('Somebody else');
  const mda = await ours.issue(['mda', 'localhost'], ['127.0.0.1']);
  const mta = await ours.issue(['mta']);
  const stranger = await theirs.issue(['mta']);
  const server = tls.createServer(
    {
      ca: ours.certificate,
      cert: mda.certificate,
      key: mda.key,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      socket.on('error', () => undefined);
      socket.end(socket.getPeerX509Certificate()?.subjectAltName ?? '');
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const talk = (cert: string, key: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca: ours.certificate, cert, key });
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('error', reject);
      socket.on('close', () => (text === '' ? reject(new Error('closed')) : resolve(text)));
    });
  assert.equal(await talk(mta.certificate, mta.key), 'DNS:mta');
  await assert.rejects(talk(stranger.certificate, stranger.key));
  server.close();
});

test('an authority kept in a folder is the same the next time, and so are its certificates', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ca-'));
  const first = await CertificateAuthority.open(folder, 'Waybill lab');
  const { certificateFile } = await first.issueInto(folder, 'mx', ['mx', 'localhost']);
  const before = fs.readFileSync(certificateFile, 'utf8');
  const second = await CertificateAuthority.open(folder, 'Waybill lab');
  assert.equal(second.certificate, first.certificate);
  await second.issueInto(folder, 'mx', ['mx', 'localhost']);
  assert.equal(fs.readFileSync(certificateFile, 'utf8'), before);
  const issued = new X509Certificate((await second.issue(['mra'])).certificate);
  assert.ok(issued.verify(new X509Certificate(first.certificate).publicKey));
  fs.rmSync(folder, { recursive: true });
});
