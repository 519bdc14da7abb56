import { DirectoryError } from '@waybill/auth-client';
import { openDirectory } from '../directory-door.ts';
import type { DkimKey, Keys } from './dkim-keys.ts';

/** The DKIM keys of a domain, from auth. Never rejects: without auth there is still much to say. */
export async function readKeys(domain: string, labFolder: string | undefined): Promise<Keys> {
  try {
    await using directory = await openDirectory(labFolder);
    const { keys } = await directory.call('domains/dkim', { name: domain });
    // What is retired has done its service: its record may be taken out.
    const wanted = keys.filter(({ state }) => state !== 'retired');
    return { kind: 'known', keys: wanted.map((key): DkimKey => key) };
  } catch (error) {
    if (error instanceof DirectoryError && error.code === 'not-found') return { kind: 'not-ours' };
    if (error instanceof DirectoryError) return { kind: 'unknown', cause: `${error.message}.` };
    return {
      kind: 'unknown',
      cause:
        'how auth is reached is not said (WAYBILL_AUTH, WAYBILL_AUTH_CA_FILE, WAYBILL_AGENT_CERT_FILE, WAYBILL_AGENT_KEY_FILE, or --data of a lab).',
    };
  }
}
