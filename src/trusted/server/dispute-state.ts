/** Disputes as a trusted server remembers them, and every change of that. What is over stays in the journal, by case. */
import type { AgentCertificate } from '../message/certificate.ts';
import type { PaymentFact } from '../ruling/judge-dispute.ts';

/** `hearing`: the merchant has its say. `seeing`: a person has to look. `ruled`: until the time for an appeal is over. `appealed`: a person again. */
export type CasePhase = 'hearing' | 'seeing' | 'ruled' | 'appealed';

export interface DisputeCase {
  /** Digest of the complaint, hexadecimal. */
  readonly case: string;
  readonly phase: CasePhase;
  /** The message that waits for the ruling. */
  readonly messageId: string;
  readonly customer: AgentCertificate;
  readonly merchant: AgentCertificate;
  readonly merchantRoute: string;
  /** That route is the customer's word: that nobody answers there shows nothing about the merchant. */
  readonly routeUnproved?: true;
  readonly replyTo: string | undefined;
  /** Digest of the claim, hexadecimal: one claim, one case. */
  readonly claim: string;
  readonly complaint: Uint8Array;
  readonly statement: Uint8Array | undefined;
  /** Nothing more is waited for from the merchant. */
  readonly heard: boolean;
  /** Of whoever was asked about the payment; undefined while it is, or when nobody was. */
  readonly paid: PaymentFact | 'asked' | undefined;
  readonly ruling: Uint8Array | undefined;
  /** Of an appeal: the ruling before it. */
  readonly before: Uint8Array | undefined;
  readonly appeal: Uint8Array | undefined;
}

/** At a primary server. */
export interface MerchantStanding {
  readonly lost: readonly { readonly case: string; readonly atMs: number; readonly weight: number }[];
  readonly organisations: readonly string[];
  /** It becomes untrusted then, unless it is pardoned. */
  readonly noticeUntilMs: number | undefined;
}

export interface Disputes {
  readonly cases: Map<string, DisputeCase>;
  /** Claims that were ruled upon: by claim, when. */
  readonly ruled: Map<string, number>;
  /** When complaints of an agent were disproved: by TA(id). */
  readonly falseComplaints: Map<number, readonly number[]>;
  /** By TA(id). */
  readonly standings: Map<number, MerchantStanding>;
}

export type DisputeRecord =
  | { readonly type: 'case'; readonly case: DisputeCase }
  /** `disproved`: the complaint was false. `claim`: absent when nothing was ruled. */
  | {
      readonly type: 'case-over';
      readonly case: string;
      readonly claim: string;
      readonly atMs: number;
      readonly disproved: number | undefined;
    }
  | { readonly type: 'standing'; readonly merchant: number; readonly standing: MerchantStanding | undefined };

/** How long a claim that was ruled upon is not heard again: longer than anybody would wait to complain. */
const ruledMs = 2 * 365 * 86_400_000;
/** More than any policy looks back. */
const falseMs = 400 * 86_400_000;

export function emptyDisputes(): Disputes {
  return { cases: new Map(), ruled: new Map(), falseComplaints: new Map(), standings: new Map() };
}

export function applyDispute(disputes: Disputes, record: DisputeRecord): void {
  switch (record.type) {
    case 'case':
      disputes.cases.set(record.case.case, record.case);
      break;
    case 'case-over': {
      const { claim, atMs, disproved } = record;
      disputes.cases.delete(record.case);
      for (const [old, thenMs] of disputes.ruled) {
        if (thenMs + ruledMs >= atMs) break;
        disputes.ruled.delete(old);
      }
      disputes.ruled.set(claim, atMs);
      if (disproved === undefined) break;
      const before = disputes.falseComplaints.get(disproved) ?? [];
      disputes.falseComplaints.set(disproved, [...before.filter((thenMs) => thenMs + falseMs > atMs), atMs]);
      break;
    }
    case 'standing':
      if (record.standing === undefined) disputes.standings.delete(record.merchant);
      else disputes.standings.set(record.merchant, record.standing);
      break;
  }
}

export interface StoredDisputes {
  readonly cases: readonly DisputeCase[];
  readonly ruled: readonly [string, number][];
  readonly falseComplaints: readonly [number, readonly number[]][];
  readonly standings: readonly [number, MerchantStanding][];
}

export function storeDisputes({ cases, ruled, falseComplaints, standings }: Disputes): StoredDisputes {
  return {
    cases: [...cases.values()],
    ...{ ruled: [...ruled], falseComplaints: [...falseComplaints], standings: [...standings] },
  };
}

export function restoreDisputes({ cases, ruled, falseComplaints, standings }: StoredDisputes): Disputes {
  return {
    cases: new Map(cases.map((one) => [one.case, one])),
    ...{ ruled: new Map(ruled), falseComplaints: new Map(falseComplaints), standings: new Map(standings) },
  };
}
