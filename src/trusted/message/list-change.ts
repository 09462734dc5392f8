/**
 * The two lists that every trusted agent and server keeps: who is untrusted, and which primary servers' keys count (US 5,671,280, "System
 * Security"). A list is a chain of numbered changes; the primary server that makes a change signs the hash of the whole chain up to it.
 * So whoever has a list of some version can take the later changes from anybody, and one signature at the end covers all of them.
 */

import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, utf8 } from '../../codec/hex.ts';
import type { ChoiceOf } from '../../codec/row-shape.ts';
import { choice, numbered, row } from '../../codec/row-shape.ts';
import type { Shaped } from '../../codec/shape.ts';
import { bytes, list, optional, text, whole } from '../../codec/shape.ts';
import { COMPACT_KEY_LENGTH } from '../../crypto/compact-key.ts';
import { sha256 } from '../../crypto/digest.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { agentIdShape, primaryIdShape, serverIdShape } from './agent-id.ts';
import { dayShape } from './day.ts';

const parties = {
  agent: numbered(1, { agentId: agentIdShape() }),
  server: numbered(2, { serverId: serverIdShape() }),
  organisation: numbered(3, { name: text({ min: 1, max: 120 }) }),
};

/** Who may be untrusted: agents, servers and organisations (figure 6B, Untrusted List Manager). */
export type ListedParty = ChoiceOf<typeof parties>;
const partyShape = choice(parties);

const changes = {
  distrust: numbered(1, { party: partyShape }),
  'trust-again': numbered(2, { party: partyShape }),
  'add-primary': numbered(3, {
    primaryId: primaryIdShape(),
    publicKey: bytes({ min: COMPACT_KEY_LENGTH, max: COMPACT_KEY_LENGTH }),
    /** The first day on which certificates under this key count. */
    fromDay: dayShape(),
  }),
  'remove-primary': numbered(4, { primaryId: primaryIdShape() }),
};

export type ListChange = ChoiceOf<typeof changes>;
const changeShape = choice(changes);

export const listNames = ['untrusted', 'primaryKeys'] as const;
export type ListName = (typeof listNames)[number];

/** Which list a change belongs to. */
export function listOf(change: ListChange): ListName {
  return change.type === 'distrust' || change.type === 'trust-again' ? 'untrusted' : 'primaryKeys';
}

export const signedChangeShape = row({
  version: whole({ min: 1, max: 0xffff_ffff }),
  change: changeShape,
  madeOnDay: dayShape(),
  by: primaryIdShape(),
  /** May be left out where a later change of the same message carries one. */
  signature: optional(bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH })),
});
export type SignedChange = Shaped<typeof signedChangeShape>;

/** Changes in one message; who is further behind asks again. */
export const maxChanges = 4096;

export const listUpdateShape = row({
  untrusted: list(signedChangeShape, { max: maxChanges }),
  primaryKeys: list(signedChangeShape, { max: maxChanges }),
});
export type ListUpdate = Shaped<typeof listUpdateShape>;

export const listVersionsShape = row({
  untrusted: whole({ max: 0xffff_ffff }),
  primaryKeys: whole({ max: 0xffff_ffff }),
});
export type ListVersions = Shaped<typeof listVersionsShape>;

const CHAIN_LABEL = utf8('Handsel trust list 1');

/** The hash of the chain with this change at its end. */
export function nextHead(head: Uint8Array, { version, change, madeOnDay, by }: SignedChange): Uint8Array {
  return sha256(CHAIN_LABEL, head, encodeCbor([listOf(change), version, changeShape.encode(change), madeOnDay, by]));
}

/** What the primary server signs. */
export function headText(head: Uint8Array): Uint8Array {
  return concatBytes(CHAIN_LABEL, head);
}
