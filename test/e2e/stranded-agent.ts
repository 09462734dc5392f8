/**
 * The worst a market could do: an agent has agreed while its station is away, and whoever runs the market has taken the agent's key and
 * everything it carries. What then reaches the station is up to him; the test writes it.
 */

import { createGuard } from '../../src/agent/guard/guard-machine.ts';
import { createPaymentStart, type PaymentStart } from '../../src/agent/message/payment-start.ts';
import { openAgentKey } from '../../src/agent/platform/agent-key.ts';
import { createPlatform } from '../../src/agent/platform/platform.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256 } from '../../src/crypto/signature.ts';
import type { Signer } from '../../src/crypto/signed-message.ts';
import type { Machine } from '../../src/journal/machine.ts';
import { recover } from '../../src/journal/recovery.ts';
import { readConfiguration } from '../../src/party/configuration/configuration.ts';
import { readKeyFile } from '../../src/party/configuration/key-file.ts';
import { readSetKey } from '../../src/party/running/set-trust-files.ts';
import { openJournal } from '../../src/party/running/stores.ts';
import { issueAgentCertificate } from '../../src/pki/agent-certificate.ts';
import type { Certificate } from '../../src/pki/certificate.ts';
import { createCertificateRequest, readCertificateRequest } from '../../src/pki/certificate-request.ts';
import { extendName } from '../../src/pki/name.ts';
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

/** What the station alone knows about a mandate. */
export async function guardedMandate(world: PartyWorld, mandate: string) {
  await world.stop('customer');
  const machine = createGuard({
    approvalMs: 1,
    payOrder: () => {
      throw new Error('nothing is paid here');
    },
  });
  const { mandates } = await stateOf(world, { party: 'customer', name: 'guard', machine });
  await world.start('customer');
  return mandates.get(mandate)!;
}

/** What a party's machine has written down; the party is stopped meanwhile. */
async function stateOf<S, I, R>(
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

/** An agent that somebody else of the same network has certified: as good as any, only not one of this station. */
export function agentOf(world: PartyWorld, owner: 'atlas'): Signer {
  const { configuration, path } = readConfiguration('merchant', world.configurationOf(owner));
  const authority = readSetKey(configuration.agentAuthority, path);
  const { publicKey, privateKey } = generateP256();
  const subject = extendName(authority.certificate.subject, { CN: 'stranger' });
  const certificate = issueAgentCertificate({
    authority: authority.certificate,
    authorityKey: authority.privateKey,
    request: readCertificateRequest(createCertificateRequest({ subject, publicKey, privateKey })),
    agentName: 'stranger',
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
    random: systemRandom,
  });
  const chain = [certificate, authority.certificate, ...authority.issuers];
  return { privateKey, certificateChain: chain.map(({ der }) => der) };
}
