/**
 * The worst a market could do: an agent has agreed while its station is away, and whoever runs the market has taken the agent's key and
 * everything it carries. What then reaches the station is up to him; the test writes it.
 */

import { createPaymentStart, type PaymentStart } from '../../src/agent/message/payment-start.ts';
import type { Signer } from '../../src/agent/message/signed-message.ts';
import { openAgentKey } from '../../src/agent/platform/agent-key.ts';
import { createPlatform } from '../../src/agent/platform/platform.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import type { Machine } from '../../src/journal/machine.ts';
import { recover } from '../../src/journal/recovery.ts';
import { readConfiguration } from '../../src/party/configuration.ts';
import { readKeyFile } from '../../src/party/key-file.ts';
import { openJournal } from '../../src/party/stores.ts';
import type { Certificate } from '../../src/pki/certificate.ts';
import { readProblem } from '../../src/transport/problem.ts';
import type { PartyWorld } from './party-world.ts';
import { openedLaunch, openedStart } from './purchase.ts';
import { until } from './until.ts';
import { wireOf } from './wire.ts';

export interface StrandedAgent {
  readonly mandate: string;
  /** The payment start the agent has sent again and again. */
  readonly bytes: Uint8Array;
  readonly start: PaymentStart;
  readonly signer: Signer;
  readonly certificate: Certificate;
  /** Another payment start of the same agent, with a nonce of its own. */
  forge(change: Partial<PaymentStart>, also?: Partial<Parameters<typeof createPaymentStart>[0]>): Uint8Array;
}

/** Leaves the market stopped and the station running. */
export async function strandAgent(world: PartyWorld, order: Record<string, unknown> = {}): Promise<StrandedAgent> {
  const since = world.messages.length;
  const wire = () => wireOf(world.messages.slice(since));
  const launching = 'customer → market launch';
  world.cut.add(launching);
  const mandate = await world.send({ merchants: ['atlas'], ...order });
  const { kind, extension, bytes: body } = (await seen(() => openedLaunch({ mandate, wire: wire() }))).message;
  await world.stop('customer');
  world.cut.delete(launching);
  // The launch as the station would have repeated it; from here on the agent is alone.
  const launch = { kind, extension, body, contentType: 'application/cose' };
  const { status } = await world.clientAs('customer').post(`${world.urlOf('market')}/agent/launch`, launch);
  if (status !== 200) throw new Error(`the market answered ${status}`);
  const { bytes, start, agent } = await seen(() => openedStart(world, { mandate, wire: wire() }));
  await world.stop('market');
  const { signer } = await stealAgent(world, mandate);
  await world.start('customer');

  const station = world.identityOf('customer');
  return {
    ...{ mandate, bytes, start, signer, certificate: agent },
    forge: (change, also) =>
      createPaymentStart({
        value: { ...start, nonce: systemRandom(16), atMs: Date.now(), ...change },
        ...{ signer, station: station.chain[0]!.publicKey, random: systemRandom },
        ...also,
      }),
  };
}

/** What throws until it has come. */
async function seen<T>(look: () => T): Promise<T> {
  const found = await until(
    () => {
      try {
        return { it: look() };
      } catch {
        return undefined; // not there yet
      }
    },
    (answer) => answer !== undefined,
  );
  return found!.it;
}

/** What the market's journal and its key give away about an agent. */
async function stealAgent(world: PartyWorld, agent: string): Promise<{ readonly signer: Signer }> {
  const { configuration, path } = readConfiguration('market', world.configurationOf('market'));
  const platformKey = readKeyFile(path(configuration.sealingKey));
  const machine = createPlatform({ url: configuration.url, platformKey, validateAgent: () => {} });
  const { customers } = await stateOf(world, { party: 'market', name: 'platform', machine });
  const { sealedKey, chain } = customers.get(agent)!;
  return { signer: { privateKey: openAgentKey({ platformKey, agent, sealed: sealedKey }), certificateChain: chain } };
}

/** What a party's machine has written down; the party is stopped meanwhile. */
export async function stateOf<S, I, R>(
  world: PartyWorld,
  {
    party,
    name,
    machine,
  }: { readonly party: 'customer' | 'market'; readonly name: string; readonly machine: Machine<S, I, R> },
): Promise<S> {
  const { configuration, path } = readConfiguration(party, world.configurationOf(party));
  const journal = await openJournal(configuration.store, path, name);
  try {
    return (await recover(machine, journal)).state;
  } finally {
    await journal.close();
  }
}

/** Posts it to the station as the market does: `ok`, or the code of the refusal. */
export async function postStart(world: PartyWorld, body: Uint8Array): Promise<{ code: string; answer: Uint8Array }> {
  const message = { kind: 'payment-start', contentType: 'application/cose', extension: 'cose', body };
  const answer = await world.clientAs('market').post(`${world.urlOf('customer')}/agent/payment-start`, message);
  return { code: answer.status === 200 ? 'ok' : (readProblem(answer.body)?.code ?? ''), answer: answer.body };
}
