import { isUtf8 } from 'node:buffer';

/** What the exchange wants next. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly text: string }
  | { readonly kind: 'credentials'; readonly username: string; readonly password: string }
  /** Not base64, or not what the mechanism sends: 501 5.5.2. */
  | { readonly kind: 'malformed' };

export interface SaslExchange {
  readonly mechanism: 'PLAIN' | 'LOGIN';
  /** Takes the client's next response, base64 as on the wire. */
  respond(response: string): SaslStep;
}

const MALFORMED: SaslStep = { kind: 'malformed' };
/** As long as auth takes them, in octets; anything longer is nobody's. */
const MAX_USERNAME = 320;
const MAX_PASSWORD = 1024;

/** The server's side of PLAIN (RFC 4616) or LOGIN; undefined for any other mechanism. */
export function saslExchange(mechanism: string): SaslExchange | undefined {
  if (mechanism === 'PLAIN') return { mechanism, respond: plain };
  return mechanism === 'LOGIN' ? new Login() : undefined;
}

/** RFC 4616 §2: [authzid] NUL authcid NUL passwd. */
function plain(response: string): SaslStep {
  const octets = decodeBase64(response);
  if (octets === undefined || !isUtf8(octets)) return MALFORMED;
  const parts = octets.toString('utf8').split('\0');
  const [authzid, username, password] = parts;
  if (parts.length !== 3 || username === undefined || password === undefined || username === '')
    return MALFORMED;
  // To act for somebody else is not offered: such a request names no credentials that could be right.
  if (authzid !== '' && authzid !== username) return { kind: 'credentials', username: '', password: '' };
  return credentials(username, password);
}

/** The mechanism that RFC 4954 never described: two questions. */
class Login implements SaslExchange {
  readonly mechanism = 'LOGIN';
  #username: string | undefined;
  #asked = false;

  respond(response: string): SaslStep {
    // Asked for the first time without an initial response.
    if (response === '' && !this.#asked) {
      this.#asked = true;
      return challenge('Username:');
    }
    this.#asked = true;
    const octets = decodeBase64(response);
    if (octets === undefined || !isUtf8(octets)) return MALFORMED;
    const text = octets.toString('utf8');
    if (text.includes('\0')) return MALFORMED;
    if (this.#username === undefined) {
      this.#username = text;
      return challenge('Password:');
    }
    return credentials(this.#username, text);
  }
}

function challenge(question: string): SaslStep {
  return { kind: 'challenge', text: Buffer.from(question).toString('base64') };
}

function credentials(username: string, password: string): SaslStep {
  const fits = Buffer.byteLength(username) <= MAX_USERNAME && Buffer.byteLength(password) <= MAX_PASSWORD;
  return fits
    ? { kind: 'credentials', username, password }
    : { kind: 'credentials', username: '', password: '' };
}

/** RFC 4648 §4, padding required; undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
