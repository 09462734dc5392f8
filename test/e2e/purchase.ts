/** An agent's purchase in a world of parties, with everything that crossed the wire for it. */
import { launchType } from '../../src/agent/message/hosting.ts';
import { mandateType } from '../../src/agent/message/mandate.ts';
import { readPaymentStart } from '../../src/agent/message/payment-start.ts';
import { readMessage } from '../../src/crypto/signed-message.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import type { PartyWorld } from './party-world.ts';
import { delivered } from './sale.ts';
import { until } from './until.ts';
import { type Wire, wireOf } from './wire.ts';

/** Ends when the goods are here and the merchant's word has come all the way (step III). */
export async function buy(world: PartyWorld, order: Record<string, unknown> = {}) {
  const since = world.messages.length;
  const wire = () => wireOf(world.messages.slice(since));
  const mandate = await world.send(order);
  const view = await world.follow(mandate, delivered);
  await until(wire, ({ spoken }) => spoken.some((one) => one.endsWith(' completion-noticeAnswer')));
  const payment = view.payments.find(({ status }) => status === 'delivered')!;
  return { mandate, view, payment, receipt: payment.receipt!, wire: wire() };
}

/** Messages of earlier agents may be repeated meanwhile: everything here is looked up by the mandate. */
interface Sale {
  readonly mandate: string;
  readonly wire: Wire;
}

/** The agent's payment start as the station reads it. @throws when it has not come yet */
export function openedStart(world: PartyWorld, { mandate, wire }: Sale, from = 'market') {
  const { privateKey } = world.identityOf('customer');
  for (const { bytes } of wire.all(`${from} → customer payment-start`)) {
    const received = readPaymentStart(bytes);
    const agent = readCertificate(received.certificateChain[0]!);
    const start = received.open(agent.publicKey, privateKey);
    if (start.mandate === mandate) return { bytes, agent, received, start };
  }
  throw new Error(`no payment start of ${mandate}`);
}

/** The launch as the platform received it. @throws when it has not come yet */
export function openedLaunch({ mandate: agent, wire }: Sale) {
  for (const message of wire.all('customer → market launch')) {
    const launch = readMessage(launchType, message.bytes).value;
    if (launch.agent === agent) return { launch, mandate: readMessage(mandateType, launch.mandate).value, message };
  }
  throw new Error(`no launch of ${agent}`);
}
