/**
 * Whom a CMS message names: the holder of a certificate, by issuer and serial number (RFC 5652 section 10.2.4), or of a bare key,
 * by a key identifier. Only these fields of a certificate are read here; whether to trust it is decided by the path.
 */
import type { KeyObject } from 'node:crypto';
import {
  any,
  bitString,
  decodeDer,
  explicit,
  type Infer,
  integer,
  optional,
  sequence,
  smallInteger,
} from '../../codec/der.ts';
import { equalBytes } from '../../codec/hex.ts';
import { algorithmType } from '../algorithm.ts';
import { readPublicKey } from '../public-key.ts';

/** The issuer is a view of the message. */
export const issuerAndSerialType = sequence({ issuer: any({ borrowed: true }), serial: integer() });
export type IssuerAndSerial = Infer<typeof issuerAndSerialType>;

const tbsType = sequence({
  version: explicit(0, smallInteger({ min: 2, max: 2 })),
  serial: integer(),
  signature: algorithmType,
  issuer: any(),
  validity: any(),
  subject: any(),
  publicKey: any(),
  extensions: optional(explicit(3, any())),
});

const certificateType = sequence({ tbs: tbsType, algorithm: algorithmType, signature: bitString() });

/** Who holds a certificate, as CMS names them, and with which key. */
export interface Holder extends IssuerAndSerial {
  readonly publicKey: KeyObject;
}

/** Reads the holder out of a certificate's DER; whoever has read the certificate already saves reading it again for every message. */
export type HolderOf = (certificate: Uint8Array) => Holder;

/** @throws DerError, and PkiError (when the key is asked for) for a kind of key that is not allowed. */
export const holderOf: HolderOf = (certificate) => {
  const { issuer, serial, publicKey } = decodeDer(certificateType, certificate, { maxBytes: 16_384 }).tbs;
  return {
    issuer,
    serial,
    get publicKey() {
      return readPublicKey(publicKey);
    },
  };
};

export function isHolder(holder: IssuerAndSerial, { issuer, serial }: IssuerAndSerial): boolean {
  return holder.serial === serial && equalBytes(holder.issuer, issuer);
}
