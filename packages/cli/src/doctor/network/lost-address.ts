import type { Known, LostAddress } from '../facts.ts';
import type { Place } from '../../status/find-replicas.ts';
import { readReplica, replicaOf } from '../../status/replica.ts';

/** Set by mx when all of its peers come from one inner address: then nobody's real address arrives. */
const METRIC = 'waybill_mx_client_address_lost';

/** Asks the ops port of each replica of mx whether clients' addresses are lost on the way. */
export async function lostAddresses(places: readonly Place[]): Promise<Known<readonly LostAddress[]>> {
  const readings = await Promise.all(places.map(readReplica));
  const mx = readings.filter(
    (reading) => reading.families !== undefined && replicaOf(undefined, reading).agent === 'mx',
  );
  if (mx.length === 0)
    return {
      kind: 'unknown',
      cause: `no replica of mx answers at its ops port${readings[0]?.why === undefined ? '' : ` (${readings[0].why})`}: set WAYBILL_OPS`,
    };
  return {
    kind: 'known',
    value: mx.map((reading) => {
      const samples = reading.families?.get(METRIC)?.samples;
      return {
        replica: replicaOf(undefined, reading).instance,
        lost: samples === undefined ? undefined : samples.some(({ value }) => value > 0),
      };
    }),
  };
}
