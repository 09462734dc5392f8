/** An agent's purchase in a world of parties, with everything that crossed the wire for it. */
import { launchType } from '../../src/agent/message/hosting.ts';
import { mandateType } from '../../src/agent/message/mandate.ts';
import { readPaymentStart } from '../../src/agent/message/payment-start.ts';
import { readMessage } from '../../src/agent/message/signed-message.ts';
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

/** The agent's payment start as the station reads it. */
export function openedStart(world: PartyWorld, wire: Wire, from = 'market') {
  const { bytes } = wire.first(`${from} → customer payment-start`);
  const received = readPaymentStart(bytes);
  const agent = readCertificate(received.certificateChain[0]!);
  return { bytes, agent, received, start: received.open(agent.publicKey, world.identityOf('customer').privateKey) };
}

/** The launch as the platform received it. */
export function openedLaunch(wire: Wire) {
  const launch = readMessage(launchType, wire.first('customer → market launch').bytes).value;
  return { launch, mandate: readMessage(mandateType, launch.mandate).value };
}
