/** A small certification hierarchy for the tests of pki: root, intermediate and leaf, each part open to change. */

import { systemRandom } from '../../src/crypto/random.ts';
import { generateP256, type KeyPair } from '../../src/crypto/signature.ts';
import { identifyIssuer, identifyKey } from '../../src/pki/authority-key.ts';
import { type Certificate, createCertificate, randomSerial } from '../../src/pki/certificate.ts';
import { type Extension, makeExtension } from '../../src/pki/extension.ts';
import { makeName, type Name } from '../../src/pki/name.ts';
import { basicConstraints, type KeyUsage, keyUsage } from '../../src/pki/standard-extensions.ts';

export const NOON = Date.UTC(2026, 5, 1, 12);
export const DAY = 86_400_000;

export interface Holder {
  readonly certificate: Certificate;
  readonly keys: KeyPair;
}

export interface HolderOptions {
  readonly subject: Name;
  readonly issuer?: Holder;
  readonly ca?: boolean;
  readonly pathLength?: number;
  readonly usage?: readonly KeyUsage[];
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly extensions?: readonly Extension[];
}

export function makeHolder(options: HolderOptions): Holder {
  const { subject, issuer, ca = false, pathLength, fromMs = NOON - DAY, untilMs = NOON + 365 * DAY } = options;
  const usage = options.usage ?? (ca ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']);
  const keys = generateP256();
  const extensions = [
    makeExtension(basicConstraints, { ca, ...(pathLength !== undefined && { pathLength }) }),
    makeExtension(keyUsage, new Set(usage)),
    identifyKey(keys.publicKey),
    ...(issuer === undefined ? [] : [identifyIssuer(issuer.certificate)]),
    ...(options.extensions ?? []),
  ];
  const certificate = createCertificate(
    {
      serial: randomSerial(systemRandom),
      issuer: issuer?.certificate.subject ?? subject,
      subject,
      notBefore: new Date(fromMs),
      notAfter: new Date(untilMs),
      publicKey: keys.publicKey,
      extensions,
    },
    (issuer?.keys ?? keys).privateKey,
  );
  return { certificate, keys };
}

export function makeWorld() {
  const root = makeHolder({ subject: makeName({ C: 'NL', O: 'Agency', CN: 'Root' }), ca: true });
  const middle = makeHolder({
    subject: makeName({ C: 'NL', O: 'Agency', CN: 'Issuer' }),
    issuer: root,
    ca: true,
    pathLength: 0,
  });
  const leaf = makeHolder({ subject: makeName({ C: 'NL', O: 'Agency', OU: 'Parties', CN: 'Alice' }), issuer: middle });
  return { root, middle, leaf };
}
