import assert from 'node:assert/strict';
import net from 'node:net';
import test, { after } from 'node:test';
import { startRedis } from '@waybill/lab';
import { ledgerWorld, underLoad } from './ledger-world.ts';

const given = process.env['REDIS_URL'];
const own = given === undefined ? await startRedis() : undefined;
const url = given ?? own?.url;
if (url === undefined) {
  console.log(
    'NOT FOUND: a Redis (REDIS_URL, or redis-server or valkey-server on PATH); this suite needs one',
  );
} else {
  const t = await ledgerWorld({ redis: url });
  after(async () => {
    await t[Symbol.asyncDispose]();
    await own?.stop();
  });

  test('redis-flushed-mail-kept: FLUSHALL under load delays mail and loses none', async () => {
    await t.survives({ messages: 300, seconds: 5 }, async () => {
      for (let i = 0; i < 8; i++) {
        await underLoad(500);
        assert.equal(await ask(url, 'FLUSHALL'), '+OK\r\n');
      }
    });
  });
}

function ask(redis: string, command: string): Promise<string> {
  const { hostname, port } = new URL(redis);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
  });
}
