import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { temporaryFolder } from '@waybill/lab';
import { readCredentials } from '../src/index.ts';
import { agent, authority } from './scripted-auth.ts';

test('a certificate that is half exchanged is not taken: what was read before stays until both files fit', async () => {
  const folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, text);
    return file;
  };
  const config = {
    WAYBILL_AUTH: 'auth:2100',
    WAYBILL_AUTH_DEADLINE_MS: 2000,
    WAYBILL_AUTH_PATIENCE_MS: 20_000,
    WAYBILL_AUTH_CACHE_MS: 0,
    WAYBILL_AUTH_CA_FILE: write('ca.pem', authority.certificate),
    WAYBILL_AGENT_CERT_FILE: write('agent.pem', agent.certificate),
    WAYBILL_AGENT_KEY_FILE: write('agent.key', agent.key),
  };
  assert.equal(readCredentials(config).cert, agent.certificate);
  const renewed = await authority.issue(['mx']);
  write('agent.pem', renewed.certificate);
  assert.throws(
    () => readCredentials(config),
    /WAYBILL_AGENT_CERT_FILE.*agent\.pem.*WAYBILL_AGENT_KEY_FILE.*agent\.key/,
  );
  write('agent.key', renewed.key);
  assert.equal(readCredentials(config).cert, renewed.certificate);
  fs.rmSync(folder, { recursive: true });
});
