/** Checks of a sender whose results a test sets. */
import { setImmediate } from 'node:timers/promises';
import type { Dkim, Dmarc, Iprev, SenderChecks, Spf } from '@waybill/mail-auth';

export class ScriptedChecks implements SenderChecks {
  /** What was asked, in order. */
  readonly asked: string[] = [];
  results: {
    iprev: Iprev['result'];
    spf: Spf['result'];
    dkim: readonly Dkim['result'][];
    dmarc: Partial<Dmarc>;
  } = { iprev: 'fail', spf: 'none', dkim: [], dmarc: {} };
  /** While set, SPF has no answer. */
  silent = false;

  iprev(address: string): Promise<Iprev> {
    this.asked.push(`iprev ${address}`);
    const { iprev: result } = this.results;
    return Promise.resolve({ result, name: result === 'pass' ? 'mail.red.test' : undefined, comment: '' });
  }

  spf(
    { address, helo }: { address: string | undefined; helo: string },
    sender: string,
    identity: Spf['identity'],
  ): Promise<Spf> {
    this.asked.push(`spf ${address ?? 'hidden'} ${identity} ${sender === '' ? helo : sender}`);
    const answer: Spf = {
      result: address === undefined ? 'none' : this.results.spf,
      domain: sender === '' ? helo : sender.slice(sender.lastIndexOf('@') + 1),
      identity,
      mechanism: undefined,
      explanation: undefined,
      lookups: 0,
      comment: '',
    };
    return this.silent ? new Promise(() => undefined) : Promise.resolve(answer);
  }

  dkim(message: readonly Buffer[]): Promise<readonly Dkim[]> {
    this.asked.push(`dkim of ${Buffer.concat(message).length} octets`);
    return Promise.resolve(
      this.results.dkim.map((result) => ({
        result,
        domain: 'red.test',
        selector: 'red1',
        algorithm: 'ed25519-sha256',
        testing: false,
        comment: '',
      })),
    );
  }

  async dmarc(fromFields: readonly string[], spf: Spf, dkim: readonly Dkim[]): Promise<Dmarc> {
    this.asked.push(
      `dmarc ${fromFields.join(' | ')} spf=${spf.result} dkim=${dkim.map((one) => one.result).join()}`,
    );
    // DNS never answers at once.
    await setImmediate();
    return {
      result: 'none',
      from: 'red.test',
      policyDomain: this.results.dmarc.policy === undefined ? undefined : 'red.test',
      policy: undefined,
      aligned: { spf: false, dkim: false },
      comment: '',
      ...this.results.dmarc,
    };
  }
}
