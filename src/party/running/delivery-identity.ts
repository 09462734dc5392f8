/** Who a certificate belongs to in secure delivery: parties of the communication hierarchy, by their first common name. */
import { toHex } from '../../codec/hex.ts';
import type { Identify, Party } from '../../delivery/message/signed-by.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import { ConfigurationError } from '../configuration/configuration.ts';
import { readChain } from './communication.ts';
import type { CommunicationTrust } from './communication-trust.ts';

/** Those a role may be played by; everybody where it says nothing. */
export type Named = ReadonlySet<string> | undefined;

/** @throws (the function returned) CryptographicError whatever is wrong with the chain, or who it belongs to */
export function identifyBy({ validate }: CommunicationTrust, names?: Named): Identify {
  return (chain, atMs) => {
    try {
      const certificates = chain.map((der) => readCertificate(der));
      if (certificates.length === 0) throw new Error('signed by nobody who says who it is');
      validate(certificates, 'signature', atMs);
      const party = partyOf(certificates[0]!);
      if (names !== undefined && !names.has(party.name)) throw new Error(`${party.name} has no such part here`);
      return party;
    } catch (cause) {
      throw cause instanceof CryptographicError ? cause : new CryptographicError(cause);
    }
  };
}

export function partyOf(certificate: Certificate): Party {
  const name = nameAttribute(certificate.subject, 'CN');
  if (name === undefined) throw new CryptographicError(new Error('a certificate without a name'));
  return { name, publicKey: certificate.publicKey };
}

/** Somebody whose certificate is on file, because things are sealed to it. @throws ConfigurationError unless it is of that name */
export function partyInFile(file: string, name: string): Party {
  const [certificate] = readChain(file);
  const party = partyOf(certificate!);
  if (party.name === name) return party;
  throw new ConfigurationError(
    `${file} is the certificate of ${party.name}, not of ${name}: ${toHex(certificate!.thumb)}`,
  );
}
