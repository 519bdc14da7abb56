/** What auth says within SASL exchanges, as a script: three steps of SCRAM, two of OAUTHBEARER, and trouble. */
import type { Account, SaslRequest, SaslResponse } from '@waybill/auth-client';

export const b64 = (text: string): string => Buffer.from(text).toString('base64');

export interface ScriptedSasl {
  readonly asked: SaslRequest[];
  sasl(request: SaslRequest): Promise<SaslResponse>;
}

export function scriptedSasl(account: Account): ScriptedSasl {
  const asked: SaslRequest[] = [];
  const answer = ({ mechanism, response, state }: SaslRequest): SaslResponse => {
    const text = Buffer.from(response ?? '', 'base64').toString();
    if (text === 'away') return { status: 'try-later' };
    if (text === 'nonsense') return { status: 'malformed' };
    if (mechanism === 'SCRAM-SHA-256') {
      if (response === undefined) return { status: 'challenge', challenge: '', state: 'begun' };
      if (state === undefined || state === 'begun')
        return { status: 'challenge', challenge: b64(`server of ${text}`), state: `sealed ${text}` };
      if (state.startsWith('sealed'))
        return text === 'proof'
          ? { status: 'challenge', challenge: b64('v=server'), state: 'proved' }
          : { status: 'denied' };
      return text === '' ? { status: 'ok', account } : { status: 'malformed' };
    }
    if (state === 'refused') return { status: 'denied' };
    return text === 'good token'
      ? { status: 'ok', account }
      : { status: 'challenge', challenge: b64('{"status":"invalid_token"}'), state: 'refused' };
  };
  return {
    asked,
    async sasl(request) {
      asked.push(request);
      return answer(request);
    },
  };
}
