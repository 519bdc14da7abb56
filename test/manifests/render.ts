import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { makeSecrets } from '../../packages/cli/src/secrets/make-secrets.ts';
import { type Manifest, Manifests } from './manifests.ts';

/** A copy of k8s/ with secrets made by the tool itself, in which overlays are rendered, and may be changed before. */
const root = path.join(import.meta.dirname, '../..');

export class Tree implements Disposable {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'manifests-'));

  static async make(): Promise<Tree> {
    const tree = new Tree();
    fs.cpSync(path.join(root, 'k8s'), tree.folder, {
      recursive: true,
      filter: (source) => path.basename(source) !== 'secrets',
    });
    const me = process.getuid?.() ?? 1000;
    await makeSecrets(tree.path('overlays/try/secrets'), {
      hostname: 'mail.example.org',
      owners: { agents: me, postgres: me, redis: me },
      database: { at: 'postgres:5432', name: 'waybill', admin: 'postgres' },
      redis: 'redis:6379',
      renew: false,
    });
    return tree;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  edit(name: string, change: (text: string) => string): void {
    const file = this.path(name);
    fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
  }

  write(name: string, text: string): void {
    fs.mkdirSync(path.dirname(this.path(name)), { recursive: true });
    fs.writeFileSync(this.path(name), text);
  }

  /** @throws Error with what kubectl says when the overlay cannot be rendered */
  render(name: string): Manifests {
    const text = execFileSync('kubectl', ['kustomize', this.path(name)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 16 * 1024 * 1024,
    });
    return parseManifests(text);
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

export function parseManifests(text: string): Manifests {
  // Kubernetes reads YAML 1.1, in which 0440 is octal and `yes` is true.
  const all = parseAllDocuments(text, { version: '1.1' }).map((one) => one.toJS() as Manifest & Data);
  for (const { kind, data } of all) {
    if (kind !== 'Secret' || data === undefined) continue;
    // Go's base64 passes over the line ends that kustomize writes; the schema's format does not.
    for (const [key, value] of Object.entries(data)) data[key] = value.replaceAll('\n', '');
  }
  return new Manifests(all);
}

interface Data {
  readonly data?: Record<string, string>;
}
