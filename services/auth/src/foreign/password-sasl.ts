import type {
  AuthenticateRequest,
  AuthenticateResponse,
  SaslRequest,
  SaslResponse,
} from '@waybill/auth-client';
import type { SaslEngine } from './dovecot.ts';

/** PLAIN (RFC 4616) and LOGIN on top of a check of passwords. Pure but for the check. */
export function passwordSasl(
  authenticate: (request: AuthenticateRequest) => Promise<AuthenticateResponse>,
): SaslEngine {
  const check = async (request: SaslRequest, username: string, password: string): Promise<SaslResponse> =>
    authenticate({ username, password, client: request.client, protocol: request.protocol });
  return {
    async step(request) {
      if (request.response === undefined) {
        const challenge = request.mechanism === 'LOGIN' ? 'VXNlcm5hbWU6' : '';
        return { status: 'challenge', challenge, state: 'begun' };
      }
      const response = Buffer.from(request.response, 'base64').toString('utf8');
      if (request.mechanism === 'LOGIN') {
        if (request.state?.startsWith('user ') === true)
          return check(request, request.state.slice('user '.length), response);
        return { status: 'challenge', challenge: 'UGFzc3dvcmQ6', state: `user ${response}` };
      }
      const [authorise = '', username = '', password] = response.split('\0');
      if (password === undefined) return { status: 'malformed' };
      // RFC 4616 §2: acting for somebody else is not ours to grant.
      if (authorise !== '' && authorise !== username) return { status: 'denied' };
      return check(request, username, password);
    },
  };
}
