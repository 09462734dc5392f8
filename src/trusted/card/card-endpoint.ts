/** What a card network puts behind its door: all goes to the machine, but what anybody can send leaves no record. */
import type { Host } from '../../journal/host.ts';
import { messageIdentityOf } from '../message/envelope.ts';
import { type CardNetworkInput, type CardNetworkOptions, readPortMessage } from './card-network-machine.ts';
import type { CardNetworkState, CardRecord } from './card-payment.ts';
import { isFleetingAtNetwork } from './check-order.ts';

/** The answer at the door. @throws HandselError when the message is refused */
export function answerAtNetwork(
  host: Host<CardNetworkState, CardNetworkInput, CardRecord>,
  body: Uint8Array,
  { scalar, nowMs }: Pick<CardNetworkOptions, 'scalar'> & { readonly nowMs: number },
): Promise<Uint8Array> {
  const input = readPortMessage(body, { scalar });
  const request = input.type === 'message' ? input.opened?.request : undefined;
  const fleeting = isFleetingAtNetwork(request, { lists: host.state.lists, nowMs });
  return host.handle({ ...messageIdentityOf(body), fleeting, input });
}
