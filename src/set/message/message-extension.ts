/** MsgExtensions at the end of SET's messages (notes on SET, "Wrapper"): X.509's shape, an open set, critical ones must be understood. */
import { implicit, optional, type TaggedType } from '../../codec/der.ts';
import { type Extension, extensionsType } from '../../pki/extension.ts';
import { SetError } from './set-error.ts';

export type MessageExtensions = readonly Extension[];

/** The optional extensions field of a message part, under the context tag that part gives it. */
export function extensionsField(tag: number): ReturnType<typeof optional<MessageExtensions>> {
  return optional<MessageExtensions>(implicit(tag, extensionsType as TaggedType<MessageExtensions>));
}

/** @throws SetError `unrecognizedExtension` when one is critical and not among those understood. */
export function requireUnderstood(
  extensions: MessageExtensions | undefined,
  understood: ReadonlySet<string> = new Set(),
): void {
  const unknown = extensions?.find(({ id, critical }) => critical && !understood.has(id));
  if (unknown !== undefined) {
    throw new SetError('unrecognizedExtension', `critical message extension ${unknown.id} is not understood`);
  }
}
