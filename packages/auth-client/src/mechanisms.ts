/** Which SASL mechanisms a door offers: the operator's list as a value, said once for submission, IMAP and POP3. */
import Type from 'typebox';
import { SASL_MECHANISMS, type SaslMechanism } from './contract.ts';

const DEFAULT = 'PLAIN LOGIN SCRAM-SHA-256';

/** Settings of every agent at which people log in. */
export const SaslSettings = {
  WAYBILL_SASL_MECHANISMS: Type.String({
    default: DEFAULT,
    description:
      'SASL mechanisms that clients are offered under TLS, in this order: PLAIN, LOGIN, SCRAM-SHA-256, and OAUTHBEARER, XOAUTH2 where auth knows an issuer',
  }),
};

const KNOWN: ReadonlySet<string> = new Set(SASL_MECHANISMS);

/**
 * Names between spaces or commas, in any case, none twice.
 * @throws Error that names the setting, when a name is unknown or there is none
 */
export function readMechanisms(text: string): readonly SaslMechanism[] {
  const names = text.split(/[ ,\t]/).filter((name) => name !== '');
  const mechanisms = new Set<SaslMechanism>();
  for (const name of names) {
    const usual = name.toUpperCase();
    if (!isMechanism(usual))
      throw new Error(
        `WAYBILL_SASL_MECHANISMS: ${JSON.stringify(name)} is none of ${SASL_MECHANISMS.join(', ')}`,
      );
    mechanisms.add(usual);
  }
  if (mechanisms.size === 0) throw new Error('WAYBILL_SASL_MECHANISMS is empty: nobody could log in');
  return [...mechanisms];
}

function isMechanism(name: string): name is SaslMechanism {
  return KNOWN.has(name);
}

/** Whether a door with these mechanisms takes passwords as they are, so that IMAP's LOGIN and POP3's USER go with them. */
export function takesPasswords(mechanisms: readonly SaslMechanism[]): boolean {
  return mechanisms.includes('PLAIN') || mechanisms.includes('LOGIN');
}
