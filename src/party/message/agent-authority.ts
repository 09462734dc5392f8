/** Who certifies agents: the customer's station, and a merchant for its own. */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../pki/certificate.ts';

export interface AgentAuthority {
  /** The authority's own certificate first, then those above it. */
  readonly chain: readonly Certificate[];
  readonly privateKey: KeyObject;
}
