/** SET's private certificate extensions (notes on SET, "Extensions and criticality"; arc 2.23.42.7). */
import {
  any,
  boolean,
  choice,
  type DerType,
  explicit,
  type Infer,
  implicit,
  mapped,
  namedBits,
  numericString,
  objectIdentifier,
  octetString,
  optional,
  sequence,
  sequenceOf,
  smallInteger,
  utf8String,
  visibleString,
  withDefault,
} from '../../codec/der.ts';
import { type Extension, type ExtensionKind, makeExtension } from '../../pki/extension.ts';
import { certificatePolicies } from '../../pki/standard-extensions.ts';
import { SetError } from './set-error.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';
const ROOT_KEY_THUMB = '2.23.42.3.0.0';
/** Every certificate below a SET root is issued under this policy. */
export const SET_ROOT_POLICY = '2.23.42.5.0';

const certificateTypes = {
  card: 0,
  merchant: 1,
  gateway: 2,
  cardholderCa: 3,
  merchantCa: 4,
  gatewayCa: 5,
  geopoliticalCa: 6,
  brandCa: 7,
  rootCa: 8,
  acquirer: 9,
} as const;
export type CertificateType = keyof typeof certificateTypes;
/** What the holder is; a CA may be several things at once. */
export const certificateType = kind('2.23.42.7.1', true, namedBits(certificateTypes));

/** DigestedData without its content: SHA-256 of the next root key's SubjectPublicKeyInfo. */
const rootKeyThumbType = mapped(
  sequence({
    version: smallInteger({ min: 2, max: 2 }),
    algorithm: sequence({ algorithm: objectIdentifier(), parameters: optional(any()) }),
    content: sequence({ type: objectIdentifier() }),
    digest: octetString({ min: 32, max: 32 }),
  }),
  {
    decode({ algorithm, content, digest }) {
      if (algorithm.algorithm !== SHA256 || content.type !== ROOT_KEY_THUMB) {
        throw new SetError('decodingFailure', 'the thumb of the next root key is of another algorithm or content');
      }
      return digest;
    },
    encode: (digest) => ({
      version: 2,
      algorithm: { algorithm: SHA256 },
      content: { type: ROOT_KEY_THUMB },
      digest,
    }),
  },
);
/** In a root certificate only: the hash of the root key that will follow. */
export const hashedRootKey = kind('2.23.42.7.0', true, sequence({ rootKeyThumb: rootKeyThumbType }));

/** SETString: visible characters where they suffice, else UTF-8 (SET 1.0 has BMPString there). */
function setString(max: number): DerType<string> {
  const either = choice({ visible: visibleString({ min: 1, max }), utf8: utf8String({ min: 1, max: 4 * max }) });
  return mapped(either, {
    decode: ({ value }) => value,
    encode: (text: string) => ({ type: /^[ -~]*$/.test(text) ? ('visible' as const) : ('utf8' as const), value: text }),
  });
}

const merchantNameType = sequence({
  language: implicit(0, visibleString({ min: 1, max: 35 })),
  name: explicit(1, setString(50)),
  city: explicit(2, setString(50)),
  stateProvince: optional(explicit(3, setString(50))),
  postalCode: optional(explicit(4, setString(14))),
  countryName: explicit(5, setString(50)),
});
const merchantDataType = sequence({
  merchantId: setString(30),
  acquirerBin: numericString({ min: 6, max: 6 }),
  names: sequenceOf(merchantNameType, { min: 1, max: 32 }),
  /** ISO 3166-1 numeric */
  country: smallInteger({ min: 1, max: 999 }),
  /** Whether the gateway authorises this merchant's payments. The PAN itself is never given out (fix 17). */
  authorized: withDefault(boolean(), true),
});
export type MerchantData = Infer<typeof merchantDataType>;
export const merchantData = kind('2.23.42.7.2', false, merchantDataType);

/** In a gateway certificate: true when unsigned purchase requests are refused. */
export const cardCertRequired = kind('2.23.42.7.3', false, boolean());

/** In a gateway certificate: how the acquirer can encrypt messages to the cardholder. */
export const tunneling = kind(
  '2.23.42.7.4',
  false,
  sequence({ supported: withDefault(boolean(), true), algorithms: sequenceOf(objectIdentifier(), { max: 16 }) }),
);

/** In a gateway certificate: the message extensions it understands. */
export const setExtensions = kind('2.23.42.7.5', false, sequenceOf(objectIdentifier(), { max: 64 }));

/** The critical ones that `set-path.ts` honours besides those of X.509. */
export const understoodSetExtensions: readonly string[] = [certificateType.id, hashedRootKey.id];

export function setPolicy(): Extension {
  return makeExtension(certificatePolicies, [{ policy: SET_ROOT_POLICY }]);
}

function kind<T>(id: string, critical: boolean, type: DerType<T>): ExtensionKind<T> {
  return { id, critical, type };
}
