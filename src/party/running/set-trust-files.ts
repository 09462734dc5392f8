/** What a SET party trusts, read from its files: the root, the brand's newest BrandCRLIdentifier, the lists it names, their signers. */
import { readFileSync } from 'node:fs';
import type { Certificate } from '../../pki/certificate.ts';
import { fromPemLabelled } from '../../pki/pem.ts';
import { type RevocationList, readRevocationList } from '../../pki/revocation-list.ts';
import { type BrandCrlIdentifier, readBrandCrlIdentifier } from '../../set/message/brand-crl-identifier.ts';
import type { CertifiedHolder, CertifiedKey } from '../../set/message/certified-key.ts';
import { createHolderTrust } from '../../set/message/holder-trust.ts';
import { createSetTrust, type SetTrust } from '../../set/message/set-trust.ts';
import type { Trust } from '../../set/message/trust.ts';
import { ConfigurationError, type SetKeyFiles, type SetTrustFiles } from '../configuration/configuration.ts';
import { readChain, readKeyOfChain } from './communication.ts';

export interface LoadedTrust {
  readonly setTrust: SetTrust;
  readonly trust: Trust;
  /** Takes the files as they are now: called when the agency's news has been written anew. */
  reload(): void;
}

/** @throws ConfigurationError, PkiError or SetError when files are missing, forged or of another brand. */
export function loadSetTrust(
  files: SetTrustFiles,
  options: { readonly brandId: string; readonly path: (relative: string) => string; readonly nowMs: () => number },
): LoadedTrust {
  const { brandId, path, nowMs } = options;
  const setTrust = createSetTrust({ roots: readChain(path(files.root)), maxAgeMs: files.maxAgeSeconds * 1000 });
  const reload = () => {
    setTrust.learn({
      brandCrlIdentifier: readIdentifier(path(files.brandCrlIdentifier)),
      revocationLists: readLists(path(files.revocationLists)),
      certificates: readChain(path(files.authorities)),
      brandId,
      atMs: nowMs(),
    });
  };
  reload();
  return { setTrust, trust: createHolderTrust({ setTrust }), reload };
}

function readLists(file: string): readonly RevocationList[] {
  try {
    return fromPemLabelled(readFileSync(file, 'utf8'), 'X509 CRL').map((der) => readRevocationList(der));
  } catch (cause) {
    throw new ConfigurationError(`${file} does not hold revocation lists in PEM`, cause);
  }
}

function readIdentifier(file: string): BrandCrlIdentifier {
  try {
    return readBrandCrlIdentifier(new Uint8Array(readFileSync(file)));
  } catch (cause) {
    throw new ConfigurationError(`${file} does not hold a BrandCRLIdentifier`, cause);
  }
}

/** A certificate with those above it; the root, which everyone has, is left out. */
export interface ChainedHolder extends CertifiedHolder {
  readonly issuers: readonly Certificate[];
}

export function readHolder(file: string): ChainedHolder {
  return holderOf(readChain(file));
}

function holderOf([certificate, ...issuers]: readonly Certificate[]): ChainedHolder {
  return {
    certificate: certificate!, // a file without any is refused by who reads it
    issuers: issuers.filter(({ subject, issuer }) => !Buffer.from(subject.der).equals(issuer.der)),
  };
}

/** @throws ConfigurationError, also where key and certificate do not belong together */
export function readSetKey(files: SetKeyFiles, path: (relative: string) => string): CertifiedKey & ChainedHolder {
  const { chain, privateKey } = readKeyOfChain({ chain: path(files.chain), privateKey: path(files.privateKey) });
  return { ...holderOf(chain), privateKey };
}
