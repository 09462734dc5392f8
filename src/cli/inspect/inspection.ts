/** What is known of one artefact: its kind, the facts worth reading first, and all of it in the notation of its encoding. */
import type { DerNode } from './der-node.ts';

export interface Inspection {
  /** `certificate`, `SET message PInitReq`, `COSE_Sign1`, `JSON`, … */
  readonly kind: string;
  readonly facts: Readonly<Record<string, string>>;
  /** At most one of these: the whole in its own notation. */
  readonly tree?: DerNode;
  readonly notation?: string;
  readonly json?: unknown;
  readonly hex?: string;
  readonly text?: string;
  /** True for what is not what it means to be, or is nothing that is known here. */
  readonly unreadable?: true;
}
