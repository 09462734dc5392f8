/** What a server puts behind its door: messages go to the machine; lists are read without one, since anybody may have what is signed. */
import type { Host } from '../../journal/host.ts';
import { decodeTrustedMessage, encodeTrustedAnswer, isFleeting, messageIdentityOf } from '../message/envelope.ts';
import { updateSince } from '../message/trust-lists.ts';
import type { ServerInput } from './server-machine.ts';
import type { ServerRecord, ServerState } from './server-state.ts';

/** The answer. @throws HandselError when the message is refused */
export async function answerAtServer(
  host: Host<ServerState, ServerInput, ServerRecord>,
  body: Uint8Array,
): Promise<Uint8Array> {
  const message = decodeTrustedMessage(body);
  if (message.type === 'lists') {
    // Nothing is told before it is durable.
    await host.settled();
    return encodeTrustedAnswer({ type: 'lists', update: updateSince(host.state.changes, message.versions) });
  }
  const identity = messageIdentityOf(body);
  const fleeting = isFleeting(message);
  return host.handle({ ...identity, fleeting, input: { type: 'message', message, messageId: identity.messageId } });
}
