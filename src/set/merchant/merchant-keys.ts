/** The merchant's keys and gateway for one card brand: SET certifies a merchant once per brand, for signing and for being sealed to. */
import type { CertifiedHolder, CertifiedKey } from '../message/certified-key.ts';
import { SetError } from '../message/set-error.ts';

export interface MerchantBrand {
  readonly merchantId: string;
  readonly signing: CertifiedKey;
  readonly encryption: CertifiedKey;
  readonly gateway: {
    readonly gatewayId: string;
    readonly url: string;
    /** Its encryption certificate: handed to cardholders in PInitRes, and what AuthReq is sealed to. */
    readonly encryption: CertifiedHolder;
  };
}

/** By BrandID. */
export type MerchantBrands = ReadonlyMap<string, MerchantBrand>;

/** @throws SetError `messageNotSupported` */
export function brandOf(brands: MerchantBrands, brandId: string): MerchantBrand {
  const brand = brands.get(brandId);
  if (brand === undefined) throw new SetError('messageNotSupported', `cards of ${brandId} are not accepted here`);
  return brand;
}
