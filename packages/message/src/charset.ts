/** Octets in a named charset to text: TextDecoder and the names that mail uses besides its own. */
import { TextDecoder } from 'node:util';

/** Names that are no WHATWG labels. */
const ALIASES = new Map([
  ['ansi_x3.4-1986', 'windows-1252'],
  ['cp1250', 'windows-1250'],
  ['cp1251', 'windows-1251'],
  ['cp1252', 'windows-1252'],
  ['cp437', 'windows-1252'],
  ['cp850', 'windows-1252'],
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['cp950', 'big5'],
  ['gb18030-2000', 'gb18030'],
  ['iso-2022-jp-1', 'iso-2022-jp'],
  ['iso-2022-jp-2', 'iso-2022-jp'],
  ['iso-2022-jp-ms', 'iso-2022-jp'],
  ['latin-1', 'windows-1252'],
  ['latin-9', 'iso-8859-15'],
  ['tis-620', 'windows-874'],
  ['utf8mb4', 'utf-8'],
  ['utf_8', 'utf-8'],
]);
/** Names come from the network: only so many are remembered. */
const REMEMBERED = 200;
const decoders = new Map<string, TextDecoder>();

/** Total: an unknown charset is read as windows-1252, octets outside the charset become U+FFFD. */
export function decodeCharset(octets: Uint8Array, charset: string): string {
  return decoderFor(charset).decode(octets);
}

function decoderFor(charset: string): TextDecoder {
  // RFC 2231 §5: a language may follow behind '*'.
  const name = (charset.split('*', 1)[0] ?? '').trim().toLowerCase();
  const known = decoders.get(name);
  if (known !== undefined) return known;
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(ALIASES.get(name) ?? name);
  } catch {
    decoder = new TextDecoder('windows-1252');
  }
  if (decoders.size < REMEMBERED) decoders.set(name, decoder);
  return decoder;
}
