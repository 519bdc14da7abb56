/** SPF of one identity of a session, as a fact (RFC 7208 §2.3, §2.4). */
import type { Client, Names, Spf } from '../contract.ts';
import { domainName } from '../names/domain-name.ts';
import { readAddress } from '../names/ip-address.ts';
import { checkHost } from './check-host.ts';

/**
 * @param sender whole address; '' for the null sender, whose identity is HELO whatever was asked
 * @param receiver our own name. Never rejects.
 */
export async function checkSender(
  names: Names,
  client: Client,
  sender: string,
  identity: Spf['identity'],
  receiver: string,
): Promise<Spf> {
  const helo = identity === 'helo' || sender === '';
  const { local, domain } = senderOf(helo ? '' : sender, client.helo);
  const checked = checkedDomain(domain);
  const fact = { domain: checked ?? domain, identity: helo ? 'helo' : 'mailfrom' } as const;
  if (checked === undefined) return { ...fact, ...saidNothing('no domain name that could have a record') };
  if (client.address === undefined) return { ...fact, ...saidNothing('the address of the client is hidden') };
  const address = readAddress(client.address);
  if (address === undefined) return { ...fact, ...saidNothing('the client has no IP address') };
  const outcome = await checkHost(
    names,
    { address, sender: { local, domain: checked }, helo: client.helo, receiver },
    checked,
  );
  return { ...fact, ...outcome };
}

function saidNothing(comment: string): Omit<Spf, 'domain' | 'identity'> {
  return { result: 'none', mechanism: undefined, explanation: undefined, lookups: 0, comment };
}

/** The two identities of a session (RFC 7208 §2.3, §2.4) as a sender. */
function senderOf(sender: string, helo: string): { readonly local: string; readonly domain: string } {
  const at = sender.lastIndexOf('@');
  if (at === -1) return { local: 'postmaster', domain: helo };
  // RFC 7208 §4.3: no local part is postmaster
  return { local: sender.slice(0, at) || 'postmaster', domain: sender.slice(at + 1) };
}

/** RFC 7208 §4.3: a name of one label, or what is none, is not checked. */
function checkedDomain(text: string): string | undefined {
  const name = domainName(text);
  return name?.includes('.') === true ? name : undefined;
}
