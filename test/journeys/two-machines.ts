import fs from 'node:fs';
import path from 'node:path';
import { CertificateAuthority, temporaryFolder, type WorldOptions } from '@waybill/lab';
import { TestWorld } from './a-world.ts';

/**
 * Two machines, each with its own Postgres, directory, agents and authority: what `here` takes it hands to the
 * inner SMTP door of `there`, and knows nothing of who is there.
 */
export interface TwoMachines extends AsyncDisposable {
  readonly here: TestWorld;
  readonly there: TestWorld;
}

/** @param options of each; `hop` gives the settings of the first machine that lead to the second */
export async function twoMachines(options: {
  readonly hop: (door: string, authority: string) => NonNullable<WorldOptions['extra']>;
  readonly here?: Partial<WorldOptions>;
  readonly there?: Partial<WorldOptions>;
}): Promise<TwoMachines> {
  await using opening = new AsyncDisposableStack();
  const folder = temporaryFolder();
  opening.defer(() => fs.rmSync(folder, { recursive: true, force: true }));
  // The other machine's door must know it before it is there.
  await CertificateAuthority.open(path.join(folder, 'certificates'), 'Waybill lab');
  const there = opening.use(
    await TestWorld.start({
      mtaDoor: true,
      ...options.there,
      extra: {
        ...options.there?.extra,
        mta: {
          WAYBILL_MTA_CA_FILE: path.join(folder, 'certificates/ca.pem'),
          ...options.there?.extra?.mta,
        },
      },
    }),
  );
  const doors = there.world.replicasOf('mta').map((replica) => `smtp://127.0.0.1:${replica.ports['port']}`);
  const here = opening.use(
    await TestWorld.start({
      dataDir: folder,
      ...options.here,
      extra: { ...options.here?.extra, ...options.hop(doors.join(','), there.world.caFile) },
    }),
  );
  const open = opening.move();
  return { here, there, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
