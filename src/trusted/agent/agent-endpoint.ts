/** What an agent's device puts behind its door: messages go to the machine; an authority's list is read without one, since anybody may have it. */
import type { Clock } from '../../journal/clock.ts';
import type { Host } from '../../journal/host.ts';
import { decodeTrustedMessage, isFleeting, messageIdentityOf } from '../message/envelope.ts';
import type { AgentInput } from './agent-machine.ts';
import type { AgentRecord } from './agent-record.ts';
import type { AgentState } from './agent-state.ts';
import { answerStandings } from './own-standings.ts';

/** The answer. @throws HandselError when the message is refused */
export async function answerAtAgent(
  host: Host<AgentState, AgentInput, AgentRecord>,
  body: Uint8Array,
  clock: Pick<Clock, 'nowMs'>,
): Promise<Uint8Array> {
  const message = decodeTrustedMessage(body);
  if (message.type === 'standings') {
    // Nothing is told before it is durable.
    await host.settled();
    return answerStandings(host.state, message, clock.nowMs());
  }
  const identity = messageIdentityOf(body);
  const fleeting = isFleeting(message);
  return host.handle({ ...identity, fleeting, input: { type: 'message', message, messageId: identity.messageId } });
}
