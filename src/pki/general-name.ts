/** The forms of GeneralName that Handsel uses (RFC 5280 section 4.2.1.6): DNS, IP, directory name, mail and URI. */
import { isIPv4, isIPv6 } from 'node:net';
import { choice, explicit, type Infer, ia5String, implicit, octetString, sequenceOf } from '../codec/der.ts';
import { nameType } from './name.ts';
import { PkiError } from './pki-error.ts';

export const generalNameType = choice({
  mail: implicit(1, ia5String({ max: 320 })),
  dns: implicit(2, ia5String({ max: 255 })),
  directory: explicit(4, nameType),
  uri: implicit(6, ia5String({ max: 2048 })),
  /** 4 or 16 bytes in a certificate, address and mask (8 or 32) in a name constraint. */
  ip: implicit(7, octetString({ min: 4, max: 32 })),
});
export type GeneralName = Infer<typeof generalNameType>;

export const generalNamesType = sequenceOf(generalNameType, { min: 1, max: 64 });

/** A host as people write it, as the name a TLS client looks for. @throws PkiError `PKI_HOST_INVALID`. */
export function hostName(host: string): GeneralName {
  if (isIPv4(host)) return { type: 'ip', value: Uint8Array.from(host.split('.'), Number) };
  if (isIPv6(host)) return { type: 'ip', value: ipv6Bytes(host) };
  const labels = host.split('.');
  const valid = host.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  if (!valid) throw new PkiError('PKI_HOST_INVALID', `not a host name or address: ${host.slice(0, 80)}`);
  return { type: 'dns', value: host.toLowerCase() };
}

function ipv6Bytes(host: string): Uint8Array {
  // The URL parser writes every accepted spelling (zones are none) in one compressed hexadecimal form.
  if (host.includes('%')) throw new PkiError('PKI_HOST_INVALID', 'an address in a certificate has no zone');
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const words = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 255]));
}
