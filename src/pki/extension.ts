/** One extension of a certificate, revocation list or request: identifier, criticality, DER value (RFC 5280 section 4.2). */
import {
  boolean,
  type DerType,
  decodeDer,
  encodeDer,
  objectIdentifier,
  octetString,
  sequence,
  sequenceOf,
  withDefault,
} from '../codec/der.ts';
import { PkiError } from './pki-error.ts';

export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** What an extension holds and whether it is marked critical when made here. */
export interface ExtensionKind<T> {
  readonly id: string;
  readonly critical: boolean;
  readonly type: DerType<T>;
}

export type Extensions = ReadonlyMap<string, Extension>;

const MAX_EXTENSIONS = 32;
const extensionType = sequence({
  id: objectIdentifier(),
  critical: withDefault(boolean(), false),
  value: octetString({ max: 16384 }),
});
export const extensionsType = sequenceOf(extensionType, { min: 1, max: MAX_EXTENSIONS });

export function makeExtension<T>(kind: ExtensionKind<T>, value: T): Extension {
  return { id: kind.id, critical: kind.critical, value: encodeDer(kind.type, value) };
}

/** @throws PkiError `PKI_EXTENSION_REPEATED` when one identifier comes twice (RFC 5280 section 4.2). */
export function indexExtensions(list: readonly Extension[]): Extensions {
  const index = new Map(list.map((extension) => [extension.id, extension]));
  if (index.size !== list.length) throw new PkiError('PKI_EXTENSION_REPEATED', 'an extension occurs twice');
  return index;
}

/** The value of an extension, or undefined when absent. @throws DerError when it is there but malformed. */
export function readExtension<T>(extensions: Extensions, kind: ExtensionKind<T>): T | undefined {
  const extension = extensions.get(kind.id);
  return extension === undefined ? undefined : decodeDer(kind.type, extension.value);
}

/** Identifiers of the critical extensions that are not among those `understood`. */
export function unknownCritical(extensions: Extensions, understood: ReadonlySet<string>): string[] {
  return [...extensions.values()].filter(({ id, critical }) => critical && !understood.has(id)).map(({ id }) => id);
}
