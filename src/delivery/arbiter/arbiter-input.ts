/** Everything an arbiter is told. What comes from outside is made by the `receive…` functions and nothing else. */
import type { Complaint, SegmentEvidence } from '../message/complaint.ts';
import type { Reason } from '../message/ruling.ts';
import type { Signed } from '../message/signed-by.ts';
import type { SoundDocuments } from './judge.ts';

export interface ComplaintInput {
  readonly type: 'complaint';
  readonly messageId: string;
  readonly complaint: Signed<Complaint>;
  /** Digest of the order as it was shown. */
  readonly order: Uint8Array;
  /** What decides at once, or what is to be gone into. */
  readonly judged:
    | { readonly type: 'decided'; readonly reason: Reason }
    | { readonly type: 'open'; readonly documents: SoundDocuments; readonly orderKey: Uint8Array };
}

export type ArbiterInput =
  | ComplaintInput
  | {
      readonly type: 'answered';
      readonly case: string;
      readonly by: 'trustee' | 'merchant';
      /** The key it gave, if any; whether it is the right one, the case knows. */
      readonly productKey: Uint8Array | undefined;
      readonly signer: string | undefined;
      readonly bytes: Uint8Array | undefined;
    }
  | {
      readonly type: 'examined';
      readonly case: string;
      readonly content: Uint8Array | undefined;
      readonly segment: SegmentEvidence | undefined;
    }
  /** Who looked, and what came of it. */
  | {
      readonly type: 'decide';
      readonly case: string;
      readonly person: string;
      readonly outcome: 'refund' | 'dismissed';
      readonly text: string;
    }
  | { readonly type: 'told' };
