import { Networks } from '@waybill/listener';

/**
 * The networks that may ask in clear. Empty matches nobody.
 * @throws Error naming the setting and the first entry that is no address or network
 */
export function foreignNetworks(text: string): Networks {
  try {
    return new Networks(text);
  } catch (error) {
    throw new Error(`WAYBILL_FOREIGN_NETWORKS: ${(error as Error).message}`, { cause: error });
  }
}
