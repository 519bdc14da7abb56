import fs from 'node:fs';

/**
 * Files that others replace while we run: certificates that an authority renews. They are looked at
 * now and then, not watched by the kernel: a kubelet exchanges a whole folder behind a symbolic link,
 * which tells a watcher of the file nothing.
 */
export class WatchedFiles {
  readonly #files: readonly string[];
  #seen: string;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** What the files are now counts as known: make it before they are read. */
  constructor(files: readonly string[]) {
    this.#files = files;
    this.#seen = files.map(fingerprint).join(' ');
  }

  /**
   * Looks every `everyMs` and calls `onChange` when a file is another than before. Where that ends with
   * false it is called again the next time: a pair that is exchanged file by file fits only at the end.
   */
  watch(everyMs: number, onChange: () => Promise<boolean>): void {
    const look = async (): Promise<void> => {
      const now = this.#files.map(fingerprint).join(' ');
      if (now !== this.#seen) this.#seen = (await onChange()) ? now : '';
      if (!this.#closed) this.#timer = setTimeout(() => void look(), everyMs).unref();
    };
    this.#timer = setTimeout(() => void look(), everyMs).unref();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}

/** The files that a configuration names: every setting that ends in _FILE and has a value. */
export function filesOf(config: object): string[] {
  return Object.entries(config).flatMap(([name, value]: [string, unknown]) =>
    name.endsWith('_FILE') && typeof value === 'string' && value !== '' ? [value] : [],
  );
}

/** Tells one content from the next, links followed; a file that cannot be seen is one more content. Never throws. */
function fingerprint(file: string): string {
  try {
    const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? '-' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error';
  }
}
