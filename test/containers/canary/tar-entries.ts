/** The files in a tar archive (POSIX ustar with pax and GNU long names), as image layers are. */
export interface TarEntry {
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK = 512;

export function* tarEntries(archive: Buffer): Generator<TarEntry> {
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header[0] === 0) return;
    const size = sizeOf(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'L') longName = text(content);
    else if (type === 'x') longName = paxPath(content) ?? longName;
    else if (type !== 'g') {
      const prefix = text(header.subarray(345, 500));
      const name = text(header.subarray(0, 100));
      yield { name: longName ?? (prefix === '' ? name : `${prefix}/${name}`), content };
      longName = undefined;
    }
  }
}

/** Octal text, or a binary number where the first bit says so. */
function sizeOf(header: Buffer): number {
  const field = header.subarray(124, 136);
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(text(field).trim() || '0', 8);
  return Number(field.readBigUInt64BE(4));
}

function paxPath(records: Buffer): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < records.length;) {
    const space = records.indexOf(32, at);
    const length = Number(records.subarray(at, space).toString());
    if (space < 0 || !(length > 0)) return path;
    const record = records.subarray(space + 1, at + length - 1).toString();
    if (record.startsWith('path=')) path = record.slice(5);
    at += length;
  }
  return path;
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? field.length : end).toString();
}
