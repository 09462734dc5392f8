/** Whom a party believes in the communication hierarchy: paths to the agency's communication root, each validated once and then rechecked. */
import type { Certificate } from '../pki/certificate.ts';
import { recheckPath, validatePath } from '../pki/path.ts';
import { createPathCache } from '../pki/path-cache.ts';
import type { Purpose } from '../pki/purpose.ts';

export interface CommunicationTrust {
  /** `chain` leaf first. @throws PkiError unless it leads to an anchor and allows the purpose at that time. */
  validate(chain: readonly Certificate[], purpose: Purpose, atMs: number): void;
}

const MAX_PATHS = 4096;

export function createCommunicationTrust(anchors: readonly Certificate[]): CommunicationTrust {
  const cache = createPathCache({
    maxEntries: MAX_PATHS,
    validate: ({ leaf, pool, purpose, atMs }) => validatePath({ chain: [leaf, ...pool], anchors, purpose, atMs }),
    recheck: (path, { atMs }) => recheckPath(path, atMs),
  });
  return {
    validate([leaf, ...pool], purpose, atMs) {
      cache.validate({ leaf: leaf!, pool, purpose, atMs });
    },
  };
}
