import fs from 'node:fs';
import { parse } from '../options.ts';
import { EXIT, UsageError } from '../usage.ts';
import type { Command } from '../command-table.ts';

const USAGE = `waybill migrate       bring the database's schemas, roles and grants up to this version
  WAYBILL_ADMIN_DATABASE_URL (or _FILE): a superuser's or owner's connection string
  WAYBILL_ROLE_PASSWORD_<AGENT>_FILE: sets the password of waybill_<agent> from a file`;

/** Safe to run again and by several at once; agents refuse to start on an older database. */
export const migrate: Command = {
  usage: USAGE,
  async run(args) {
    if (parse(args, {}).words.length > 0) throw new UsageError('migrate takes no words');
    const url = secret('WAYBILL_ADMIN_DATABASE_URL');
    if (url === undefined)
      throw new UsageError('set WAYBILL_ADMIN_DATABASE_URL or WAYBILL_ADMIN_DATABASE_URL_FILE');
    const { migrateAll } = await import('../migrations.ts');
    await migrateAll(url, (role) => secret(`WAYBILL_ROLE_PASSWORD_${role.toUpperCase()}`));
    process.stdout.write('The database is up to date.\n');
    return EXIT.done;
  },
};

function secret(name: string): string | undefined {
  const file = process.env[`${name}_FILE`];
  return process.env[name] ?? (file === undefined ? undefined : fs.readFileSync(file, 'utf8').trimEnd());
}
