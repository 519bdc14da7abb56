import path from 'node:path';
import { freePort, ImapClient, type LabUser } from '@waybill/lab';
import { Project } from '../compose/project.ts';
import { suiteImage } from '../containers/engine.ts';
import type { Door } from '../ledger/sender.ts';

/** The compose file as it is deployed, on free ports of this machine, with four users. */
export class Deployment {
  readonly project: Project;
  readonly users: LabUser[] = [];
  readonly #ports: { readonly smtp: number; readonly submissions: number; readonly imaps: number };
  ca = '';

  private constructor(project: Project, ports: { smtp: number; submissions: number; imaps: number }) {
    this.project = project;
    this.#ports = ports;
  }

  /** @param name of the compose project */
  static async plan(name: string): Promise<Deployment> {
    const ports = { smtp: await freePort(), submissions: await freePort(), imaps: await freePort() };
    const image = suiteImage();
    const colon = image.lastIndexOf(':');
    return new Deployment(
      new Project({
        name,
        env: {
          COMPOSE_PROFILES: '',
          WAYBILL_IMAGE: image.slice(0, colon),
          WAYBILL_VERSION: image.slice(colon + 1),
          SMTP_PORT: String(ports.smtp),
          SUBMISSIONS_PORT: String(ports.submissions),
          IMAPS_PORT: String(ports.imaps),
          SUBMISSION_PORT: String(await freePort()),
          IMAP_PORT: String(await freePort()),
          POP3_PORT: String(await freePort()),
          POP3S_PORT: String(await freePort()),
        },
      }),
      ports,
    );
  }

  async up(): Promise<void> {
    await this.project.compose(['up', '-d', '--wait', '--no-build']);
    this.ca = await this.project.compose(['exec', '-T', 'mx', 'cat', '/run/waybill/ca.pem']);
  }

  async addUsers(domain: string, names: readonly string[]): Promise<void> {
    await this.project.tool(['domain', 'add', domain]);
    for (const name of names) {
      const user = { address: `${name}@${domain}`, password: `${name}'s own password` };
      await this.project.tool(['user', 'add', user.address, '--password-stdin'], `${user.password}\n`);
      this.users.push(user);
    }
  }

  /** Port 25 as a stranger, and submission as the first user. */
  get doors(): Door[] {
    const [writer] = this.users;
    if (writer === undefined) throw new Error('no users yet');
    return [
      { ports: [this.#ports.smtp] },
      {
        ports: [this.#ports.submissions],
        ca: this.ca,
        auth: { username: writer.address, password: writer.password },
      },
    ];
  }

  get imapsPorts(): number[] {
    return [this.#ports.imaps];
  }

  /** UIDNEXT of a user's INBOX. */
  async uidNext(user: LabUser): Promise<number> {
    const client = await ImapClient.connect({ port: this.#ports.imaps, ca: this.ca });
    try {
      await client.login(user.address, user.password);
      const { untagged } = await client.ok('STATUS INBOX (UIDNEXT)');
      return Number(/UIDNEXT (\d+)/.exec(untagged.map((one) => one.text).join('\n'))?.[1]);
    } finally {
      client.close();
    }
  }

  /** One value that the superuser reads. */
  async ask(sql: string, database = 'waybill'): Promise<string> {
    const said = await this.project.compose([
      'exec',
      '-T',
      'postgres',
      'psql',
      '-XAtU',
      'postgres',
      '-d',
      database,
      '-c',
      sql,
    ]);
    return said.trim();
  }

  /** Resolves when every recipient in the spool is finished. */
  async empty(): Promise<void> {
    while ((await this.ask('select count(*) from spool.rcpt where state in (0, 1)')) !== '0');
  }

  /** deploy/backup.sh, and the folder that it names. */
  async backup(into: string): Promise<string> {
    const said = await this.project.script('deploy/backup.sh', [into]);
    return path.resolve(said.trim());
  }
}
