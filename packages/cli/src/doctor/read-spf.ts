import type { Answer, RecordType, RecordTypes } from '@waybill/dns';
import type { DetailTypes, Inquiry } from '@waybill/dns/inspect';
import { type Names, readSpfTree } from '@waybill/mail-auth';
import type { SpfReader } from './gather.ts';

/**
 * Reads SPF records to their ends, as our own mx would, but with the answers of the zones' own servers: what is
 * published, not what a cache remembers.
 */
export function spfReader(inquiry: Inquiry): SpfReader {
  const names = new LiveNames(inquiry);
  return (name, host, addresses) => readSpfTree(names, name, addresses, host);
}

/** An inquiry's answers as plain look-ups. */
class LiveNames implements Names {
  readonly #inquiry: Inquiry;

  constructor(inquiry: Inquiry) {
    this.#inquiry = inquiry;
  }

  async lookup<T extends RecordType>(name: string, type: T): Promise<Answer<RecordTypes[T]>> {
    const { answer } = await this.#inquiry.see(name, type);
    if (answer.kind === 'failed') return { kind: 'try-later', cause: answer.cause };
    if (answer.kind !== 'found') return { kind: answer.kind };
    const records = answer.records.map(({ value }) => plain(value) as RecordTypes[T]);
    return { kind: 'found', records, authenticated: false };
  }
}

/** The strings of a text in one piece, as checks read it. */
function plain(value: DetailTypes[RecordType]): RecordTypes[RecordType] {
  return Array.isArray(value) ? value.join('') : (value as RecordTypes[RecordType]);
}
