import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { cleanEnvironment } from './programs.ts';

/**
 * A program on a terminal, as a person sees it: keys go in, and what is drawn can be waited for.
 * `script` of bsdutils makes the terminal; what it draws is kept without the codes that move the cursor.
 */
export class Terminal {
  readonly #child;
  readonly ended: Promise<number>;
  #drawn = '';
  #changed: () => void = () => {};

  private constructor(command: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: cleanEnvironment({ LINES: '50', COLUMNS: '120', ...env }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#drawn += stripVTControlCharacters(text);
      this.#changed();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        resolve(code ?? -1);
        this.#changed();
      });
    });
  }

  /** Starts a command of the shell. */
  static open(command: string, env: Readonly<Record<string, string>> = {}): Terminal {
    return new Terminal(command, env);
  }

  /**
   * Waits until all patterns were drawn since the last key, and gives back what was drawn.
   * @throws AssertionError with the drawing when they are not drawn within 15 s, or the program ends.
   */
  async shows(...patterns: readonly RegExp[]): Promise<string> {
    let over = '';
    const timer = setTimeout(() => {
      over = 'after 15 s';
      this.#changed();
    }, 15_000);
    void this.ended.then((code) => (over = `when the program ended with ${code}`));
    try {
      for (;;) {
        const absent = patterns.find((pattern) => !pattern.test(this.#drawn));
        if (absent === undefined) return this.#drawn;
        if (over !== '') assert.fail(`no ${absent} on the screen ${over}:\n${this.#drawn}`);
        await new Promise<void>((resolve) => (this.#changed = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Presses keys; what was drawn before is forgotten. */
  press(keys: string): void {
    this.#drawn = '';
    this.#child.stdin.write(keys);
  }

  /** Ends the program when it still runs. */
  close(): void {
    this.#child.kill('SIGTERM');
  }
}
