/** All parties of a home in one process, talking TLS over loopback just as they would from machine to machine. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HandselError } from '../../handsel-error.ts';
import type { Network } from '../configuration/network-home.ts';
import type { RunningCustomer } from '../customer/customer.ts';
import type { RunningMerchant } from '../merchant/merchant.ts';
import type { RunningOperator } from '../operator/operator.ts';
import { closeInOrder, type RunningParty, type Surroundings } from '../running/running-party.ts';
import { startParty } from './start-party.ts';

export interface RunningNetwork {
  /** In the order in which they were started. */
  readonly parties: readonly RunningParty[];
  readonly customer: RunningCustomer;
  readonly operators: readonly RunningOperator[];
  readonly merchants: readonly RunningMerchant[];
  /** Trusted servers and devices: no sale of the agents waits for them. */
  readonly devices: readonly RunningParty[];
  /** Of the demonstration's wallet. */
  readonly password: string;
  /** Resolves when a host of any party had to stop by itself. */
  readonly failed: Promise<unknown>;
  close(): Promise<void>;
}

const ofDevices = (party: string) => ['device', 'trusted-server', 'card-network'].includes(party);

class NetworkStart extends HandselError {}

/** Parties start one after the other; when one cannot, those before it are closed again. */
export async function startNetwork(
  home: string,
  network: Network,
  surroundings: Surroundings,
): Promise<RunningNetwork> {
  const parties: RunningParty[] = [];
  const devices: RunningParty[] = [];
  const closeAll = () =>
    closeInOrder([
      // They have nothing to say to each other any more: all at once.
      async () => {
        const closed = await Promise.allSettled(devices.map((party) => party.close()));
        for (const result of closed) if (result.status === 'rejected') throw result.reason;
      },
      ...parties
        .toReversed()
        .filter((party) => !devices.includes(party))
        .map((party) => () => party.close()),
    ]);
  const operators: RunningOperator[] = [];
  const merchants: RunningMerchant[] = [];
  let customer: RunningCustomer | undefined;
  const started = <P extends RunningParty>(party: P): P => {
    parties.push(party);
    return party;
  };
  try {
    for (const { party, configuration } of network.parties) {
      const file = join(home, configuration);
      if (party === 'customer') customer = started(await startParty(party, file, surroundings));
      else if (party === 'operator') operators.push(started(await startParty(party, file, surroundings)));
      else if (party === 'merchant') merchants.push(started(await startParty(party, file, surroundings)));
      else if (!ofDevices(party)) {
        started(await startParty(party, file, surroundings));
      }
    }
    const later = network.parties.filter(({ party }) => ofDevices(party));
    const starting = await Promise.allSettled(
      later.map(async ({ party, configuration }) => {
        devices.push(started(await startParty(party, join(home, configuration), surroundings)));
      }),
    );
    for (const result of starting) if (result.status === 'rejected') throw result.reason;
    if (customer === undefined) throw new NetworkStart('NETWORK_INCOMPLETE', `the network in ${home} has no customer`);
  } catch (error) {
    await closeAll();
    throw error;
  }
  return {
    ...{ parties, customer, operators, merchants, devices },
    password: readFileSync(join(home, network.password), 'utf8').trim(),
    failed: Promise.race(parties.map(({ failed }) => failed)),
    close: closeAll,
  };
}
