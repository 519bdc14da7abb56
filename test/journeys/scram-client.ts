/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), so that the server's can be tried. Base64 in and out. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

export class ScramClient {
  readonly #bare: string;
  readonly #password: string;
  #signature: Buffer = Buffer.alloc(0);

  constructor(username: string, password: string, nonce = randomBytes(18).toString('base64')) {
    // RFC 5802 §5.1
    const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${nonce}`;
    this.#password = password;
  }

  /** The initial response. */
  first(): string {
    return encode(`n,,${this.#bare}`);
  }

  /** The proof that answers the server's first message. */
  proof(challenge: string): string {
    const serverFirst = decode(challenge);
    const nonce = attribute(serverFirst, 'r');
    const salt = Buffer.from(attribute(serverFirst, 's'), 'base64');
    const salted = pbkdf2Sync(this.#password, salt, Number(attribute(serverFirst, 'i')), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=biws,r=${nonce}`;
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`;
    const mask = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
    this.#signature = hmac(hmac(salted, 'Server Key'), authMessage);
    const proof = Buffer.from(clientKey.map((octet, i) => octet ^ mask[i]!));
    return encode(`${withoutProof},p=${proof.toString('base64')}`);
  }

  /** Whether the server's last message shows that it knows the keys, too. */
  verifies(challenge: string): boolean {
    const signature = Buffer.from(attribute(decode(challenge), 'v'), 'base64');
    return signature.length === this.#signature.length && timingSafeEqual(signature, this.#signature);
  }
}

function attribute(message: string, name: string): string {
  const found = message.split(',').find((part) => part.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`no ${name}= in ${JSON.stringify(message)}`);
  return found.slice(2);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();
