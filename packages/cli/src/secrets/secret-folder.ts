import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * The folder that one reader mounts: files of mode 0400 in a folder of mode 0700, both the
 * reader's own. A file is written beside its place and renamed, so a reader finds the old or the
 * new one, never a part.
 */
export class SecretFolder {
  readonly path: string;
  readonly #owner: number;

  /** @param owner uid of the reader; it counts when root runs this, else all belongs to the caller */
  constructor(root: string, name: string, owner: number) {
    this.path = path.join(root, name);
    this.#owner = owner;
    fs.mkdirSync(this.path, { recursive: true, mode: 0o700 });
    this.#hand(this.path, 0o700);
  }

  /** What the file says, without the line end; undefined when there is none, or an empty one. */
  read(file: string): string | undefined {
    try {
      const text = fs.readFileSync(path.join(this.path, file), 'utf8').trimEnd();
      return text === '' ? undefined : text;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** @returns whether anything changed */
  write(file: string, text: string): boolean {
    const target = path.join(this.path, file);
    const changed = this.read(file) !== text.trimEnd();
    if (changed) {
      const beside = path.join(this.path, `.${file}.${randomUUID()}`);
      fs.writeFileSync(beside, text, { mode: 0o400, flush: true });
      this.#hand(beside, 0o400);
      fs.renameSync(beside, target);
    } else this.#hand(target, 0o400);
    return changed;
  }

  /** What the file says; `make` is asked when there is none. */
  keep(file: string, make: () => string): string {
    const found = this.read(file);
    const text = found ?? make();
    this.write(file, text);
    return text;
  }

  #hand(target: string, mode: number): void {
    fs.chmodSync(target, mode);
    if (process.getuid?.() === 0) fs.chownSync(target, this.#owner, this.#owner);
  }
}
