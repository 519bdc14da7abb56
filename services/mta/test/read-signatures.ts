import { createHash, createPublicKey, verify } from 'node:crypto';

/**
 * A verifier of relaxed/relaxed DKIM signatures that knows nothing of ours: the rules of RFC 6376 one after the
 * other over strings, slow and plain. For each signature: its selector, and whether it holds.
 */
export type Zone = (name: string) => string | undefined;

export interface Read {
  readonly selector: string;
  readonly algorithm: string;
  readonly domain: string;
  readonly holds: boolean;
}

export function readSignatures(message: string, zone: Zone): Read[] {
  const at = message.indexOf('\r\n\r\n');
  const fields = message.slice(0, at + 2).split(/(?<=\r\n)(?![ \t])/);
  const body = message.slice(at + 4);
  return fields
    .filter((field) => nameOf(field) === 'dkim-signature')
    .map((field) => {
      const tags = tagsOf(field.slice(field.indexOf(':') + 1));
      const algorithm = tags.get('a') ?? '';
      const selector = tags.get('s') ?? '';
      const domain = tags.get('d') ?? '';
      const left = [...fields];
      let data = '';
      for (const name of (tags.get('h') ?? '').toLowerCase().split(':')) {
        const last = left.findLastIndex((one) => nameOf(one) === name);
        if (last !== -1) data += `${relaxed(left.splice(last, 1)[0]!)}\r\n`;
      }
      data += relaxed(field.replace(/([;:\s]b=)[^;]*/, '$1'));
      const bodyHolds =
        createHash('sha256').update(relaxedBody(body), 'latin1').digest('base64') === tags.get('bh');
      const record = zone(`${selector}._domainkey.${domain}`);
      return {
        selector,
        algorithm,
        domain,
        holds: bodyHolds && record !== undefined && holds(algorithm, data, tags.get('b') ?? '', record),
      };
    });
}

function holds(algorithm: string, data: string, b: string, record: string): boolean {
  const p = Buffer.from(tagsOf(record).get('p') ?? '', 'base64');
  const signature = Buffer.from(b, 'base64');
  const octets = Buffer.from(data, 'latin1');
  if (algorithm === 'rsa-sha256')
    return verify('sha256', octets, createPublicKey({ key: p, type: 'spki', format: 'der' }), signature);
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), p]);
  const key = createPublicKey({ key: spki, type: 'spki', format: 'der' });
  return verify(null, createHash('sha256').update(octets).digest(), key, signature);
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(':')).trim().toLowerCase();
}

function tagsOf(text: string): Map<string, string> {
  return new Map(
    text
      .replaceAll(/\s/g, '')
      .split(';')
      .map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)]),
  );
}

function relaxed(field: string): string {
  const value = field.slice(field.indexOf(':') + 1).replaceAll('\r\n', '');
  return `${nameOf(field)}:${value.replaceAll(/[ \t]+/g, ' ').trim()}`;
}

function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
}
