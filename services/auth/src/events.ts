import type { Account, Ban, SpendResponse } from '@waybill/auth-client';
import type { Log, Metrics } from '@waybill/daemon';
import type { Claim } from './authenticate.ts';

/** Every count and every line of outcome that auth can emit. Passwords and unknown names are in none of them. */
export type LoginOutcome = 'ok' | 'remembered' | 'denied' | 'busy' | 'penalty';

export interface Events {
  authenticated(outcome: LoginOutcome, request: Claim, account: Account | undefined): void;
  called(call: string, status: number, ms: number): void;
  notPermitted(caller: string | undefined, call: string): void;
  aliasTooLarge(address: string): void;
  hashed(ms: number): void;
  changed(call: string, what: string): void;
  failed(call: string, error: unknown): void;
  banned(ban: Ban): void;
  /** `held` says that this very message made the account a held one. */
  spent(outcome: SpendResponse['status'], accountId: string, limit: string | undefined, held: boolean): void;
}

export function openEvents(log: Log, metrics: Metrics): Events {
  const logins = metrics.counter('auth_logins', 'Logins by outcome', ['outcome', 'protocol']);
  const calls = metrics.counter('auth_calls', 'Calls by name and HTTP status', ['call', 'status']);
  const callSeconds = metrics.seconds('auth_call', 'Time to answer a call', ['call']);
  const refusals = metrics.counter('auth_not_permitted', 'Calls by agents that may not make them', ['call']);
  const tooLarge = metrics.counter('auth_alias_too_large', 'Look-ups of aliases beyond the limits');
  const bans = metrics.counter('auth_bans', 'Networks that auth banned by itself');
  const sends = metrics.counter('auth_sends', 'Messages counted against limits, by outcome', ['outcome']);
  const holds = metrics.counter('auth_holds', 'Accounts that were put on hold for going on beyond a limit');
  const hashSeconds = metrics.seconds('auth_hash', 'Time to hash one password');
  return {
    authenticated(outcome, request, account) {
      logins.inc({ outcome, protocol: request.protocol });
      const line = {
        outcome,
        client: request.client.slice(0, 64),
        protocol: request.protocol,
        // A name that nobody has may be a password typed into the wrong field.
        ...(account === undefined ? {} : { account: account.accountId, address: account.address }),
      };
      if (outcome === 'ok' || outcome === 'remembered') log.debug(line, 'login');
      else log.info(line, 'login refused');
    },
    called(call, status, ms) {
      calls.inc({ call, status: String(status) });
      callSeconds.observe({ call }, ms / 1000);
    },
    notPermitted(caller, call) {
      refusals.inc({ call });
      log.warn({ caller: caller?.slice(0, 256), call }, 'call not permitted');
    },
    aliasTooLarge(address) {
      tooLarge.inc();
      log.error({ address: address.slice(0, 256) }, 'an alias leads too far or to too many: its mail waits');
    },
    hashed: (ms) => hashSeconds.observe(ms / 1000),
    changed: (call, what) => log.info({ call, what: what.slice(0, 256) }, 'directory changed'),
    banned(ban) {
      bans.inc();
      log.warn({ network: ban.network, until: ban.until, reason: ban.reason }, 'network banned');
    },
    spent(outcome, accountId, limit, held) {
      sends.inc({ outcome });
      if (held) {
        holds.inc();
        log.error({ account: accountId, limit }, 'account held: waybill user release lets it send again');
      } else if (outcome === 'limited') log.warn({ account: accountId, limit }, 'account beyond its limit');
    },
    failed: (call, error) => log.error({ err: error, call }, 'a call failed'),
  };
}
