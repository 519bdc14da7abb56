import { Check } from 'typebox/value';
import { SERVER_NAME } from './client.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';
import { Refusal } from './contract.ts';
import {
  type Alias,
  DIRECTORY_CALLS,
  type DirectoryAccount,
  type DirectoryCall,
  type DirectoryRequest,
  type DirectoryResponse,
  type Domain,
} from './directory.ts';

/** How long an auth that cannot be reached is tried, ms: an operator waits for the answer. */
const UNREACHABLE_MS = 3000;

/** Why the directory did not do it. */
export class DirectoryError extends Error {
  /** `not-found`, `exists`, `in-use`, `invalid`, `not-permitted`, `unavailable` or `busy`. */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DirectoryError';
    this.code = code;
  }
}

/**
 * Changes and lists the directory, with an operator's certificate. Unlike look-ups, its calls
 * reject with a DirectoryError, and none is sent twice.
 */
export class DirectoryClient {
  readonly #connections: Connections;
  readonly #deadlineMs: number;

  /** @throws Error when the list of addresses or the PEMs cannot be read */
  constructor(options: Omit<ConnectionsOptions, 'serverName'> & { readonly deadlineMs?: number }) {
    this.#connections = new Connections({ ...options, serverName: SERVER_NAME });
    this.#deadlineMs = options.deadlineMs ?? 10_000;
  }

  /** @throws DirectoryError */
  async call<C extends DirectoryCall>(call: C, request: DirectoryRequest<C>): Promise<DirectoryResponse<C>> {
    const patience = {
      answerMs: this.#deadlineMs,
      until: performance.now() + Math.min(this.#deadlineMs, UNREACHABLE_MS),
      attempts: 1,
    };
    const reply = await this.#connections
      .request('POST', `/v1/${call}`, request, patience)
      .catch((cause: unknown) => {
        throw new DirectoryError('unavailable', `auth cannot be reached: ${reason(cause)}`, { cause });
      });
    if (reply.status === 200 && Check(DIRECTORY_CALLS[call].response, reply.body))
      return reply.body as DirectoryResponse<C>;
    if (Check(Refusal, reply.body)) throw new DirectoryError(reply.body.error, reply.body.message);
    throw new DirectoryError('unavailable', `auth answered ${reply.status} to ${call}`);
  }

  async *domains(): AsyncGenerator<Domain> {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await this.call('domains/list', after === undefined ? {} : { after });
      yield* page.domains;
      after = page.next;
    }
  }

  async *accounts(domain?: string): AsyncGenerator<DirectoryAccount> {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await this.call('accounts/list', listing(domain, after));
      yield* page.accounts;
      after = page.next;
    }
  }

  async *aliases(domain?: string): AsyncGenerator<Alias> {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await this.call('aliases/list', listing(domain, after));
      yield* page.aliases;
      after = page.next;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }
}

function listing(domain: string | undefined, after: string | undefined): { domain?: string; after?: string } {
  return { ...(domain === undefined ? {} : { domain }), ...(after === undefined ? {} : { after }) };
}

function reason(error: unknown): string {
  const { message, code, cause } = error as { message?: string; code?: string; cause?: { message?: string } };
  return [message === '' || message === undefined ? (code ?? 'unknown error') : message, cause?.message]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}
