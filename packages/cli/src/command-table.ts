/** What `waybill` can do: one row a noun, one file behind it, loaded when it is asked for. */
export interface Command {
  readonly usage: string;
  /** Takes what follows the noun; answers with the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

export interface Row {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: ReadonlyMap<string, Row> = new Map<string, Row>([
  [
    'start',
    {
      summary: 'boot a whole mail world on this machine',
      load: async () => {
        const { start, START_USAGE } = await import('./commands/start.ts');
        return { usage: START_USAGE, run: start };
      },
    },
  ],
  [
    'domain',
    {
      summary: 'add, ls, rm, records: the domains that are ours',
      load: async () => (await import('./commands/domain.ts')).domain,
    },
  ],
  [
    'user',
    {
      summary: 'add, ls, rm, passwd, app-password, grant, limit, hold, suspend: accounts',
      load: async () => (await import('./commands/user.ts')).user,
    },
  ],
  [
    'alias',
    {
      summary: 'add, ls, rm: addresses that stand for others',
      load: async () => (await import('./commands/alias.ts')).alias,
    },
  ],
  [
    'ban',
    {
      summary: 'ls, add, rm: networks that are not heard',
      load: async () => (await import('./commands/ban.ts')).ban,
    },
  ],
  [
    'journey',
    {
      summary: 'where a message is, hop by hop',
      load: async () => (await import('./commands/journey.ts')).journey,
    },
  ],
  [
    'queue',
    {
      summary: 'ls, count: what the spool still holds',
      load: async () => (await import('./commands/queue.ts')).queue,
    },
  ],
  [
    'doctor',
    {
      summary: 'what the DNS and the doors say of a domain, and how to mend it',
      load: async () => (await import('./commands/doctor.ts')).doctor,
    },
  ],
  [
    'status',
    {
      summary: 'every replica, the queue, and what is to do',
      load: async () => (await import('./commands/status.ts')).status,
    },
  ],
  [
    'migrate',
    {
      summary: 'bring a database up to this version',
      load: async () => (await import('./commands/migrate.ts')).migrate,
    },
  ],
  [
    'secrets',
    {
      summary: 'make the passwords, logins and certificates of a deployment',
      load: async () => (await import('./commands/secrets.ts')).secrets,
    },
  ],
]);

export function overview(): string {
  const rows = [...COMMANDS].map(([noun, { summary }]) => `  waybill ${noun.padEnd(8)} ${summary}`);
  return `Usage: waybill <command> …\n\n${rows.join('\n')}\n\n\`waybill <command> --help\` says more.`;
}
