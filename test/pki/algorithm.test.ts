import { describe, expect, it } from 'vitest';
import { decodeDer, encodeDer } from '../../src/codec/der.ts';
import { fromHex, toHex } from '../../src/codec/hex.ts';
import {
  type Algorithm,
  algorithmType,
  ecdsaAlgorithm,
  isEcdsa,
  isOaep,
  isPlain,
  isPss,
  oaepAlgorithm,
  pssAlgorithm,
  SHA256,
} from '../../src/pki/algorithm.ts';

const NULL = fromHex('0500');
const SHA256_PLAIN = '300b0609608648016503040201';
const SHA256_WITH_NULL = '300d06096086480165030402010500';
const MGF1_SHA256 = `301806092a864886f70d010108${SHA256_PLAIN}`;
const RSA_OID = { pss: '06092a864886f70d01010a', oaep: '06092a864886f70d010107' };

describe('algorithm identifiers', () => {
  it('of PSS and OAEP are written as RFC 4055 has them, without what is default', () => {
    const pss = `303d${RSA_OID.pss}3030a00d${SHA256_PLAIN}a11a${MGF1_SHA256}a203020120`;
    expect(toHex(encodeDer(algorithmType, pssAlgorithm))).toBe(pss);
    expect(toHex(encodeDer(algorithmType, oaepAlgorithm))).toBe(
      `3038${RSA_OID.oaep}302ba00d${SHA256_PLAIN}a11a${MGF1_SHA256}`,
    );
  });

  const pssWith = (parameters: string): Algorithm => ({ ...pssAlgorithm, parameters: fromHex(parameters) });

  it('of PSS are the same with NULL for the parameters of the hash', () => {
    const mask = `301a06092a864886f70d010108${SHA256_WITH_NULL}`;
    expect(isPss(pssAlgorithm)).toBe(true);
    expect(isPss(pssWith(`3034a00f${SHA256_WITH_NULL}a11c${mask}a203020120`))).toBe(true);
  });

  it('of PSS with another salt, hash or mask, or none told, are refused', () => {
    expect(isPss(pssWith(`3030a00d${SHA256_PLAIN}a11a${MGF1_SHA256}a203020140`))).toBe(false);
    expect(isPss(pssWith(`301ca11a${MGF1_SHA256}`))).toBe(false);
    expect(isPss(pssWith(`3014a00d${SHA256_PLAIN}a203020120`))).toBe(false);
    expect(isPss(pssWith('3000'))).toBe(false);
    expect(isPss({ algorithm: pssAlgorithm.algorithm })).toBe(false);
    expect(isPss(oaepAlgorithm)).toBe(false);
  });

  it('of OAEP with SHA-1, which is the default, are refused', () => {
    const parameters = decodeDer(algorithmType, encodeDer(algorithmType, oaepAlgorithm)).parameters!;
    expect(isOaep({ ...oaepAlgorithm, parameters })).toBe(true);
    expect(isOaep({ ...oaepAlgorithm, parameters: fromHex('3000') })).toBe(false);
    expect(isOaep({ algorithm: oaepAlgorithm.algorithm })).toBe(false);
  });

  it('of hashes may have NULL or nothing, those of ECDSA nothing (RFC 5754 section 3.3)', () => {
    expect(isPlain({ algorithm: SHA256 }, SHA256)).toBe(true);
    expect(isPlain({ algorithm: SHA256, parameters: NULL }, SHA256)).toBe(true);
    expect(isPlain({ algorithm: SHA256, parameters: fromHex('0400') }, SHA256)).toBe(false);
    expect(isEcdsa(ecdsaAlgorithm)).toBe(true);
    expect(isEcdsa({ ...ecdsaAlgorithm, parameters: NULL })).toBe(false);
  });
});
