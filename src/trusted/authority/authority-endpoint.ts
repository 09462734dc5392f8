/** What an authority's server puts behind the port of its device (`port:authority`): the kind of message says what the bytes are. */
import { concatBytes, utf8 } from '../../codec/hex.ts';
import { MessageError } from '../../codec/message-error.ts';
import type { Host } from '../../journal/host.ts';
import { authorityQuery, portOutcome } from '../credential/port-query.ts';
import { messageIdentityOf } from '../message/envelope.ts';
import type { AuthorityInput } from './authority-machine.ts';
import type { AuthorityRecord, AuthorityState } from './authority-state.ts';

/** @throws MessageError or CborError */
export function readAuthorityMessage(kind: string, body: Uint8Array): AuthorityInput {
  if (kind === 'AuthorityQuery') return { type: 'query', query: authorityQuery.decode(body) };
  if (kind !== 'port-commit' && kind !== 'port-abort') {
    throw new MessageError('MESSAGE_INVALID', `an authority's server hears no "${kind.slice(0, 40)}"`);
  }
  const { transaction, reference } = portOutcome.decode(body);
  return { type: 'outcome', transaction, issued: kind === 'port-commit' ? reference : undefined };
}

/** The answer. The same message gets the same answer, also after a restart. @throws HandselError when it is refused */
export async function answerAtAuthority(
  host: Host<AuthorityState, AuthorityInput, AuthorityRecord>,
  { kind, body }: { readonly kind: string; readonly body: Uint8Array },
): Promise<Uint8Array> {
  const input = readAuthorityMessage(kind, body);
  // Commit and abort of one transaction may have the same bytes.
  const { digest, messageId } = messageIdentityOf(concatBytes(utf8(`${kind} `), body));
  return host.handle({ messageId, digest, input });
}
