import path from 'node:path';
import type { Command } from '../command-table.ts';
import { type Parsed, parse } from '../options.ts';
import { EXIT, UsageError } from '../usage.ts';

const USAGE = `waybill secrets FOLDER   make the passwords, database logins and certificates of a deployment
  --hostname NAME       name of the server, for its public certificate (default localhost)
  --tls-cert FILE       the public doors' own certificate chain; when the file is not there, one of our
  --tls-key FILE          own authority is made
  --database HOST:PORT  where Postgres is (default postgres:5432)
  --database-name NAME  (default waybill)
  --database-admin USER who may make schemas and roles (default postgres)
  --redis HOST:PORT|none  (default redis:6379)
  --owner UID           who reads the agents' files (default 1000)
  --postgres-owner UID  (default 999)
  --redis-owner UID     (default 999)
  --grafana-owner UID   (default 472)
  --renew               issue every certificate anew
What exists stays; certificates are renewed when less than a third of their life is left.
Every reader has a folder of its own; files have mode 0400.`;

const OPTIONS = {
  hostname: true,
  'tls-cert': true,
  'tls-key': true,
  database: true,
  'database-name': true,
  'database-admin': true,
  redis: true,
  owner: true,
  'postgres-owner': true,
  'redis-owner': true,
  'grafana-owner': true,
  renew: false,
} as const;

/** Safe to run again at every start. */
export const secrets: Command = {
  usage: USAGE,
  async run(args) {
    const parsed = parse(args, OPTIONS);
    const [folder, ...more] = parsed.words;
    if (folder === undefined) throw new UsageError('say into which FOLDER');
    if (more.length > 0) throw new UsageError(`secrets does not take "${more[0]}"`);
    const hostname = parsed.value('hostname') ?? 'localhost';
    if (!/^[A-Za-z0-9.-]{1,253}$/.test(hostname))
      throw new UsageError(`--hostname takes a name such as mail.example.org, not "${hostname}"`);
    const redis = parsed.value('redis') ?? 'redis:6379';
    const { makeSecrets } = await import('../secrets/make-secrets.ts');
    const said = await makeSecrets(path.resolve(folder), {
      hostname: hostname.toLowerCase(),
      owners: {
        agents: parsed.count('owner') ?? 1000,
        postgres: parsed.count('postgres-owner') ?? 999,
        redis: parsed.count('redis-owner') ?? 999,
        grafana: parsed.count('grafana-owner') ?? 472,
      },
      database: {
        at: parsed.value('database') ?? 'postgres:5432',
        name: parsed.value('database-name') ?? 'waybill',
        admin: parsed.value('database-admin') ?? 'postgres',
      },
      redis: redis === 'none' ? null : redis,
      renew: parsed.flag('renew'),
      given: await givenPair(parsed),
    });
    for (const line of said) process.stdout.write(`${line}\n`);
    process.stdout.write(said.length === 0 ? 'Nothing was missing.\n' : 'Everything is there.\n');
    return EXIT.done;
  },
};

async function givenPair(parsed: Parsed): Promise<{ certificate: string; key: string } | undefined> {
  const certificate = parsed.value('tls-cert');
  const key = parsed.value('tls-key');
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined)
    throw new UsageError('--tls-cert and --tls-key go together');
  const { readGivenPair } = await import('../secrets/given-pair.ts');
  return readGivenPair(certificate, key);
}
