/** Names of object identifiers for people: X.500, PKIX, CMS, the suite's algorithms, and the SET arc 2.23.42 (notes on SET). */
import { attributeTypes, contentTypes } from '../../set/message/content-types.ts';

const names: Readonly<Record<string, string>> = {
  '0.9.2342.19200300.100.1.25': 'domainComponent',
  '1.2.840.10045.2.1': 'ecPublicKey',
  '1.2.840.10045.3.1.7': 'P-256',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.113549.1.1.1': 'rsaEncryption',
  '1.2.840.113549.1.1.7': 'RSAES-OAEP',
  '1.2.840.113549.1.1.8': 'MGF1',
  '1.2.840.113549.1.1.9': 'pSpecified',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.7.1': 'data',
  '1.2.840.113549.1.7.2': 'signedData',
  '1.2.840.113549.1.7.3': 'envelopedData',
  '1.2.840.113549.1.7.5': 'digestedData',
  '1.2.840.113549.1.7.6': 'encryptedData',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '1.2.840.113549.1.9.3': 'contentType',
  '1.2.840.113549.1.9.4': 'messageDigest',
  '1.2.840.113549.1.9.5': 'signingTime',
  '1.2.840.113549.1.9.14': 'extensionRequest',
  '1.2.840.113549.1.9.16.1.23': 'authEnvelopedData',
  '1.3.6.1.5.5.7.1.1': 'authorityInfoAccess',
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.36': 'documentSigning',
  '1.3.14.3.2.26': 'sha1',
  '1.3.101.110': 'X25519',
  '1.3.101.112': 'Ed25519',
  '1.3.132.1.11.1': 'dhSinglePass-stdDH-sha256kdf',
  '2.5.4.3': 'commonName',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'countryName',
  '2.5.4.7': 'localityName',
  '2.5.4.8': 'stateOrProvinceName',
  '2.5.4.10': 'organizationName',
  '2.5.4.11': 'organizationalUnitName',
  '2.5.29.14': 'subjectKeyIdentifier',
  '2.5.29.15': 'keyUsage',
  '2.5.29.16': 'privateKeyUsagePeriod',
  '2.5.29.17': 'subjectAltName',
  '2.5.29.18': 'issuerAltName',
  '2.5.29.19': 'basicConstraints',
  '2.5.29.20': 'cRLNumber',
  '2.5.29.21': 'cRLReason',
  '2.5.29.30': 'nameConstraints',
  '2.5.29.31': 'cRLDistributionPoints',
  '2.5.29.32': 'certificatePolicies',
  '2.5.29.35': 'authorityKeyIdentifier',
  '2.5.29.37': 'extKeyUsage',
  '2.16.840.1.101.3.4.1.42': 'aes256-CBC',
  '2.16.840.1.101.3.4.1.45': 'aes256-wrap',
  '2.16.840.1.101.3.4.1.46': 'aes256-GCM',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.23.42': 'id-set',
  '2.23.42.5.0': 'set-policy-root',
  '2.23.42.3.0.0': 'set-rootKeyThumb',
  '2.23.42.3.0.1': 'set-addPolicy',
  '2.23.42.3.1': 'setAttr-PGWYcap',
  '2.23.42.3.2': 'setAttr-TokenType',
  '2.23.42.3.2.1': 'setAttr-Token-EMV',
  '2.23.42.3.2.2': 'setAttr-Token-B0Prime',
  '2.23.42.3.3': 'setAttr-IssCap',
  '2.23.42.3.3.3': 'setAttr-IssCap-CVM',
  '2.23.42.3.3.3.1': 'setAttr-GenCryptgrm',
  '2.23.42.3.3.4': 'setAttr-IssCap-T2',
  '2.23.42.3.3.4.1': 'setAttr-T2Enc',
  '2.23.42.3.3.4.2': 'setAttr-T2cleartxt',
  '2.23.42.3.3.5': 'setAttr-IssCap-Sig',
  '2.23.42.3.3.5.1': 'setAttr-TokICCsig',
  '2.23.42.3.3.5.2': 'setAttr-SecDevSig',
  '2.23.42.8.1': 'set-brand-IATA-ATA',
  '2.23.42.8.4': 'set-brand-Visa',
  '2.23.42.8.5': 'set-brand-MasterCard',
  '2.23.42.8.30': 'set-brand-Diners',
  '2.23.42.8.34': 'set-brand-AmericanExpress',
  '2.23.42.8.35': 'set-brand-JCB',
  '2.23.42.8.6011': 'set-brand-Novus',
};

/** The last arc counts through the words; a hole in the numbering is a dash. */
const numbered: Readonly<Record<string, { readonly prefix: string; readonly words: string }>> = {
  '2.23.42.0': {
    prefix: 'setct-',
    words: `PANData PANToken PANOnly OIData PI PIData PIDataUnsigned HODInput AuthResBaggage AuthRevReqBaggage
      AuthRevResBaggage CapTokenSeq PInitResData PI-TBS PResData - AuthReqTBS AuthResTBS AuthResTBSX AuthTokenTBS CapTokenData
      CapTokenTBS AcqCardCodeMsg AuthRevReqTBS AuthRevResData AuthRevResTBS CapReqTBS CapReqTBSX CapResData CapRevReqTBS
      CapRevReqTBSX CapRevResData CredReqTBS CredReqTBSX CredResData CredRevReqTBS CredRevReqTBSX CredRevResData PCertReqData
      PCertResTBS BatchAdminReqData BatchAdminResData CardCInitResTBS MeAqCInitResTBS RegFormResTBS CertReqData CertReqTBS
      CertResData CertInqReqTBS ErrorTBS PIDualSignedTBE PIUnsignedTBE AuthReqTBE AuthResTBE AuthResTBEX AuthTokenTBE
      CapTokenTBE CapTokenTBEX AcqCardCodeMsgTBE AuthRevReqTBE AuthRevResTBE AuthRevResTBEB CapReqTBE CapReqTBEX CapResTBE
      CapRevReqTBE CapRevReqTBEX CapRevResTBE CredReqTBE CredReqTBEX CredResTBE CredRevReqTBE CredRevReqTBEX CredRevResTBE
      BatchAdminReqTBE BatchAdminResTBE RegFormReqTBE CertReqTBE CertReqTBEX CertResTBE CRLNotificationTBS
      CRLNotificationResTBS BCIDistributionTBS`,
  },
  '2.23.42.1': { prefix: 'setext-', words: '- genCrypt - miAuth pinSecure pinAny - track2 cv' },
  '2.23.42.2': {
    prefix: 'set-field-',
    words: `fullName givenName familyName birthFamilyName placeName identificationNumber month date address telephone amount
      accountNumber passPhrase`,
  },
  '2.23.42.7': {
    prefix: 'setCext-',
    words: `hashedRoot certType merchData cCertRequired tunneling setExt setQualf PGWYcapabilities TokenIdentifier Track2Data
      TokenType IssuerCapabilities`,
  },
};

/** Identifiers of this suite carry SET's word and the version, `set2-piTbs`, so that nobody takes them for SET 1.0's. */
const own = new Map<string, string>(
  Object.entries({ ...contentTypes, ...attributeTypes }).map(([name, identifier]) => [identifier, `set2-${name}`]),
);

/** The name of a dotted identifier, or undefined when it is not known here. */
export function objectName(identifier: string): string | undefined {
  if (Object.hasOwn(names, identifier)) return names[identifier];
  const dot = identifier.lastIndexOf('.');
  const family = numbered[identifier.slice(0, dot)];
  const word = family?.words.split(/\s+/)[Number(identifier.slice(dot + 1))];
  if (family !== undefined && word !== undefined && word !== '-') return family.prefix + word;
  return own.get(identifier);
}
