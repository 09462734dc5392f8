import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { reserveType } from '../../../src/agent/message/hosting.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { signMessage } from '../../../src/crypto/signed-message.ts';
import { openPlatform } from '../../../src/party/market/agent-platform.ts';
import { createCommunicationTrust } from '../../../src/party/running/communication-trust.ts';
import { extendName } from '../../../src/pki/name.ts';
import type { Client } from '../../../src/transport/client.ts';
import { silentLog } from '../../../src/transport/log.ts';
import type { Request } from '../../../src/transport/route.ts';
import { createAgentWorld, type Owner } from '../../agent/market-world.ts';
import { temporaryFolder } from '../network/network-fixture.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);
const world = createAgentWorld({ clock: { nowMs: Date.now, after: () => () => {} } });
const [station, stranger] = [world.owner('station'), world.owner('stranger')];

async function open(owner?: Owner) {
  const directory = owner === undefined ? 'market' : 'station';
  const platform = await openPlatform({
    ...{ url: station.url, store: { kind: 'sqlite', directory }, path: (relative) => join(folder, relative) },
    ...{ sealingKey: systemRandom(32), trust: createCommunicationTrust(world.anchors), client: {} as Client },
    ...(owner && { owner: owner.certificate }),
    surroundings: { log: silentLog() },
  });
  const reserve = (by: Owner) => {
    const subject = extendName(by.authority.certificate.subject, { CN: 'agent' }).der;
    const value = { agent: `of ${by.name}`, role: 'customer' as const, subject, expiresAtMs: Date.now() + 60_000 };
    const request = { body: signMessage(reserveType, value, by.signer) } as Request;
    return platform.routes['POST /agent/reserve']!(request);
  };
  return { reserve, close: () => platform.host.close() };
}

test('a station’s platform hosts its own agents and nobody else’s, a market everybody’s', async () => {
  const [own, market] = [await open(station), await open()];
  await own.reserve(station);
  await expect(own.reserve(stranger)).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  await market.reserve(station);
  await market.reserve(stranger);
  await Promise.all([own.close(), market.close()]);
});
