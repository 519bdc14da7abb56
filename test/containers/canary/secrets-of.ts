import { execFileSync } from 'node:child_process';
import type { Secret } from './needles.ts';

/** All that is secret in a volume that `waybill secrets` filled: passwords, URLs, and what is in keys. */
const READ_ALL = `
const fs = require('node:fs');
const files = fs.readdirSync('/secrets', { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
console.log(JSON.stringify(files.map((one) => [one.parentPath + '/' + one.name, fs.readFileSync(one.parentPath + '/' + one.name, 'utf8')])));
`;

export function secretsOf(volume: string): Secret[] {
  const args = [
    'run',
    '--rm',
    '--user=0',
    '--network=none',
    `--volume=${volume}:/secrets:ro`,
    'node:24-slim',
    'node',
    '-e',
  ];
  const files = JSON.parse(
    execFileSync('docker', [...args, READ_ALL], { encoding: 'utf8', timeout: 60_000 }),
  ) as [string, string][];
  return files.flatMap(([name, content]) => secretsIn(name, content.trim()));
}

/** A file's secrets: certificates are public. */
export function secretsIn(name: string, content: string): Secret[] {
  if (content.includes('PRIVATE KEY-----')) {
    const lines = content.split('\n').filter((line) => line !== '' && !line.startsWith('-'));
    // The first line of a key says what kind it is, and is the same in many.
    return lines.slice(1).map((line, index) => ({ name: `${name}, line ${index + 2}`, value: line.trim() }));
  }
  if (content.includes('CERTIFICATE-----')) return [];
  if (URL.canParse(content)) {
    const password = decodeURIComponent(new URL(content).password);
    return [
      { name, value: content },
      ...(password === '' ? [] : [{ name: `password in ${name}`, value: password }]),
    ];
  }
  const required = /^requirepass (\S+)$/m.exec(content)?.[1];
  return [{ name, value: required ?? content }];
}
