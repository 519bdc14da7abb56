import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { StringDecoder } from 'node:string_decoder';
import type { Parsed } from './options.ts';
import { UsageError } from './usage.ts';

/** Passwords come from a prompt without echo, a file, or standard input; never from the command line. */
export const PASSWORD_OPTIONS = { 'password-file': true, 'password-stdin': false, generate: false } as const;
export const PASSWORD_USAGE = `  --password-file FILE  the password is in FILE (its last line end does not belong to it)
  --password-stdin      the password comes on standard input
  --generate            make one and print it`;

export const HASH_OPTION = { 'password-hash': false } as const;
export const HASH_USAGE = `  --password-hash       what comes on standard input is a hash from another server: {SHA512-CRYPT}, {BLF-CRYPT},
                        {PBKDF2}, {SSHA}, {SSHA512} or {ARGON2ID}; the first login turns it into ours`;

export interface GivenPassword {
  /** What auth is told. */
  readonly given: { readonly password: string } | { readonly passwordHash: string };
  /** Undefined for a hash. */
  readonly password: string | undefined;
  /** Made here: whoever asked has not seen it yet. */
  readonly generated: boolean;
}

/** @throws UsageError when there is nowhere to get one from, or several */
export async function readPassword(parsed: Parsed): Promise<GivenPassword> {
  const file = parsed.value('password-file');
  const fromStdin = parsed.flag('password-stdin');
  const generate = parsed.flag('generate');
  const hash = parsed.flag('password-hash');
  if (Number(file !== undefined) + Number(fromStdin) + Number(generate) + Number(hash) > 1)
    throw new UsageError('choose one of --password-file, --password-stdin, --password-hash and --generate');
  if (hash) {
    const passwordHash = (await text(process.stdin)).trim();
    if (passwordHash === '') throw new UsageError('there is no hash on standard input');
    return { given: { passwordHash }, password: undefined, generated: false };
  }
  if (generate) {
    const password = generatePassword();
    return { given: { password }, password, generated: true };
  }
  if (file !== undefined) return given(withoutLineEnd(fs.readFileSync(file, 'utf8')));
  if (fromStdin) return given(withoutLineEnd(await text(process.stdin)));
  if (!process.stdin.isTTY)
    throw new UsageError(
      'there is no terminal to ask for a password: use --password-stdin, --password-file FILE or --generate',
    );
  const password = await prompt('Password: ');
  if ((await prompt('Again: ')) !== password)
    throw new Error('the two passwords differ; nothing was changed');
  return given(password);
}

/** 24 characters of 32, hard to confuse: 120 bits. */
export function generatePassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789A';
  return Array.from({ length: 24 }, () => letters[randomInt(letters.length)]).join('');
}

function given(password: string): GivenPassword {
  if (password === '') throw new UsageError('the password is empty');
  if (password.length < 8) process.stderr.write('Note: the password has fewer than 8 characters.\n');
  return { given: { password }, password, generated: false };
}

function withoutLineEnd(content: string): string {
  return content.replace(/\r?\n$/, '');
}

/** Asks on the terminal and shows nothing of what is typed. @throws Error on Ctrl-C or Ctrl-D */
function prompt(question: string): Promise<string> {
  process.stderr.write(question);
  const { stdin } = process;
  stdin.setRawMode(true).resume();
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let typed: string[] = [];
    const finish = (error: Error | undefined): void => {
      stdin.off('data', onData).setRawMode(false).pause();
      process.stderr.write('\n');
      if (error === undefined) resolve(typed.join(''));
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      for (const character of decoder.write(chunk)) {
        if (character === '\r' || character === '\n') return finish(undefined);
        if (character === '\u0003' || character === '\u0004') return finish(new Error('given up'));
        if (character === '\u007f' || character === '\b') typed.pop();
        else if (character === '\u0015') typed = [];
        else typed.push(character);
      }
    };
    stdin.on('data', onData);
  });
}
