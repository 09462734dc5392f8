/** Whom a party believes in the communication hierarchy: paths to the agency's communication root, each validated once and then rechecked. */
import { toHex } from '../../codec/hex.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { recheckPath, validatePath } from '../../pki/path.ts';
import { createPathCache } from '../../pki/path-cache.ts';
import { PkiError } from '../../pki/pki-error.ts';
import type { Purpose } from '../../pki/purpose.ts';
import { DOCUMENT_SIGNING } from '../../pki/standard-extensions.ts';

export interface CommunicationTrust {
  /**
   * `chain` leaf first, each certificate issued by the next: callers rely on the second one being the issuer of the first.
   * @throws PkiError unless it leads to an anchor and allows the purpose at that time.
   */
  validate(chain: readonly Certificate[], purpose: Purpose, atMs: number): void;
}

const MAX_PATHS = 4096;

export function createCommunicationTrust(anchors: readonly Certificate[]): CommunicationTrust {
  const cache = createPathCache({
    maxEntries: MAX_PATHS,
    // A leaf met before must not be believed beside the authority of somebody else.
    contextOf: ({ pool }) => pool.map(({ thumb }) => toHex(thumb)).join(),
    validate: ({ leaf, pool, purpose, atMs }) => validatePath({ chain: [leaf, ...pool], anchors, purpose, atMs }),
    recheck: (path, { atMs }) => recheckPath(path, atMs),
  });
  return {
    validate([leaf, ...pool], purpose, atMs) {
      const { chain } = cache.validate({ leaf: leaf!, pool, purpose, atMs });
      // An agent's key lives on somebody else's machine: it never speaks as its owner.
      if (purpose === 'signature' && chain.some(({ extendedKeyUsage }) => extendedKeyUsage?.includes(DOCUMENT_SIGNING)))
        throw new PkiError('PKI_KEY_USAGE', 'an agent does not sign for its owner');
    },
  };
}
