/**
 * Who signs Wallet passes: a certificate of a pass type with its key, in a folder. Apple gives out those that wallets take; for the
 * demonstration one is made, which says what it is and which only programs that are told to trust it will.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../../crypto/random.ts';
import { generateP256 } from '../../crypto/signature.ts';
import { createCertificate, randomSerial } from '../../pki/certificate.ts';
import { makeExtension } from '../../pki/extension.ts';
import { makeName } from '../../pki/name.ts';
import { fromPemLabelled, toPem } from '../../pki/pem.ts';
import { keyUsage } from '../../pki/standard-extensions.ts';
import { ConfigurationError } from '../configuration/configuration.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { PassSigner } from './ticket-pass.ts';

/** `certificate.pem` may be followed by those above it, or they stand in `wwdr.pem`, as Apple calls its own. */
const CERTIFICATE = 'certificate.pem';
const KEY = 'key.pem';
const ISSUERS = 'wwdr.pem';

/** @throws ConfigurationError */
export function readPassSigner(folder: string): PassSigner {
  const certificates = [CERTIFICATE, ISSUERS].flatMap((name) => {
    const file = join(folder, name);
    return existsSync(file) ? fromPemLabelled(readFileSync(file, 'utf8'), 'CERTIFICATE') : [];
  });
  const [certificate, ...issuers] = certificates;
  if (certificate === undefined) throw new ConfigurationError(`${join(folder, CERTIFICATE)} holds no certificate`);
  const { subject, publicKey } = new X509Certificate(certificate);
  const attribute = (name: string) => new RegExp(`^${name}=(.+)$`, 'm').exec(subject)?.[1];
  const [passType, team] = [attribute('UID'), attribute('OU')];
  if (passType === undefined || team === undefined) {
    throw new ConfigurationError(`${join(folder, CERTIFICATE)} is of no pass type: its subject has no UID or OU`);
  }
  const privateKey = readKey(join(folder, KEY));
  if (!new X509Certificate(certificate).checkPrivateKey(privateKey)) {
    throw new ConfigurationError(
      `${join(folder, KEY)} is not the key of ${publicKey.asymmetricKeyType} in ${CERTIFICATE}`,
    );
  }
  return { certificate, privateKey, issuers, passType, team };
}

function readKey(file: string) {
  try {
    return createPrivateKey(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ConfigurationError(`${file} does not hold a private key in PEM`, cause);
  }
}

const YEARS_MS = 10 * 365 * 86_400_000;

/** What is in the folder; where there is nothing, a pass type of our own is made. */
export function ownPassSigner(folder: string, nowMs: number): PassSigner {
  if (!existsSync(join(folder, CERTIFICATE))) {
    const { publicKey, privateKey } = generateP256();
    const name = makeName({
      UID: 'pass.handsel.ticket',
      CN: 'Pass Type ID: pass.handsel.ticket',
      OU: 'HANDSEL',
      O: 'Handsel',
    });
    const certificate = createCertificate(
      {
        serial: randomSerial(systemRandom),
        ...{ issuer: name, subject: name, publicKey },
        notBefore: new Date(nowMs - 60_000),
        notAfter: new Date(nowMs + YEARS_MS),
        extensions: [makeExtension(keyUsage, new Set(['digitalSignature']))],
      },
      privateKey,
    );
    // The certificate last: it says that all of it is there.
    replaceFile(
      join(folder, KEY),
      toPem('PRIVATE KEY', new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }))),
    );
    replaceFile(join(folder, CERTIFICATE), toPem('CERTIFICATE', certificate.der));
  }
  return readPassSigner(folder);
}
