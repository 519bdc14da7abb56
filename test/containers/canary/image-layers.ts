import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { type Finding, type Needle, search } from './needles.ts';
import { tarEntries } from './tar-entries.ts';

/**
 * Looks through every layer of an image, also at what a later layer removed, and at its configuration
 * and history: for the secrets, and for files that have no place in an image of ours.
 */
export function searchImage(image: string, needles: readonly Needle[]): Finding[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'waybill-canary-'));
  try {
    const file = path.join(folder, 'image.tar');
    execFileSync('docker', ['save', '--output', file, image], { timeout: 120_000 });
    const findings: Finding[] = [];
    for (const blob of tarEntries(fs.readFileSync(file))) {
      const content = isGzip(blob.content) ? zlib.gunzipSync(blob.content) : blob.content;
      const where = `${image}, ${blob.name.split('/').at(-1)?.slice(0, 12)}`;
      // Files lie in a layer as they are: one search finds their content and names.
      findings.push(...search(where, content, needles));
      if (!isTar(content)) continue;
      for (const entry of tarEntries(content)) findings.push(...misplaced(where, entry.name, entry.content));
    }
    return findings;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What of the repository, or of its owner, must not be in the image. */
const NO_PLACE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['version control', /(^|\/)\.git(\/|$)/],
  ['an environment file', /(^|\/)\.env(\.|$)/],
  [
    'tests',
    /^waybill\/(test|packages\/[^/]+\/test|services\/[^/]+\/test)\/|^waybill\/(packages|services)\/.*\.test\.ts$/,
  ],
  ['the lab', /^waybill\/packages\/lab\//],
];

function misplaced(where: string, name: string, content: Buffer): Finding[] {
  const found = NO_PLACE.filter(([, pattern]) => pattern.test(name)).map(([what]) => what);
  // A key as a file, not the words for one in somebody's source.
  if (/\.(key|pem)$/.test(name) && content.includes('PRIVATE KEY-----')) found.push('a private key');
  return found.map((what) => ({ where: `${where}: ${name}`, secret: what, form: 'file' }));
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isTar(bytes: Buffer): boolean {
  return bytes.length > 512 && bytes.subarray(257, 262).toString() === 'ustar';
}
