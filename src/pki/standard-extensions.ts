/** The extensions of RFC 5280 section 4.2.1 that Handsel reads and writes, with the criticality SET gives them. */
import {
  any,
  boolean,
  generalizedTime,
  type Infer,
  implicit,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  sequenceOf,
  smallInteger,
  withDefault,
} from '../codec/der.ts';
import type { ExtensionKind } from './extension.ts';
import { generalNamesType, generalNameType } from './general-name.ts';

const keyUsageType = namedBits({
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
  encipherOnly: 7,
  decipherOnly: 8,
});
export type KeyUsage = Infer<typeof keyUsageType> extends ReadonlySet<infer Bit> ? Bit : never;
export const keyUsage = kind('2.5.29.15', true, keyUsageType);

export const basicConstraints = kind(
  '2.5.29.19',
  true,
  sequence({ ca: withDefault(boolean(), false), pathLength: optional(smallInteger({ min: 0, max: 32 })) }),
);

export const extendedKeyUsage = kind('2.5.29.37', false, sequenceOf(objectIdentifier(), { min: 1, max: 16 }));

export const subjectAltName = kind('2.5.29.17', false, generalNamesType);

/** SET leaves the key identifier out and names issuer and serial of the issuer's certificate instead. */
export const authorityKeyIdentifier = kind(
  '2.5.29.35',
  false,
  sequence({
    keyIdentifier: optional(implicit(0, octetString({ min: 1, max: 64 }))),
    issuer: optional(implicit(1, generalNamesType)),
    serial: optional(implicit(2, integer())),
  }),
);
export const subjectKeyIdentifier = kind('2.5.29.14', false, octetString({ min: 1, max: 64 }));

const subtreesType = sequenceOf(
  sequence({
    base: generalNameType,
    minimum: withDefault(implicit(0, smallInteger({ min: 0, max: 0 })), 0),
  }),
  { min: 1, max: 64 },
);
export const nameConstraints = kind(
  '2.5.29.30',
  true,
  sequence({ permitted: optional(implicit(0, subtreesType)), excluded: optional(implicit(1, subtreesType)) }),
);

/** How long the private key may sign, where that is shorter than how long signatures may be verified (X.509). */
export const privateKeyUsagePeriod = kind(
  '2.5.29.16',
  false,
  sequence({
    notBefore: optional(implicit(0, generalizedTime())),
    notAfter: optional(implicit(1, generalizedTime())),
  }),
);

export const certificatePolicies = kind(
  '2.5.29.32',
  true,
  sequenceOf(
    sequence({
      policy: objectIdentifier(),
      qualifiers: optional(sequenceOf(sequence({ id: objectIdentifier(), value: any() }), { min: 1, max: 8 })),
    }),
    { min: 1, max: 16 },
  ),
);

export const crlNumber = kind('2.5.29.20', false, integer({ min: 0n }));

export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
/** RFC 9336: signatures over documents people rely on; here what agents sign, and all that an agent's key is for. */
export const DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';

function kind<T>(id: string, critical: boolean, type: ExtensionKind<T>['type']): ExtensionKind<T> {
  return { id, critical, type };
}
