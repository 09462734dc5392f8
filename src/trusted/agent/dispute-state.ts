/** Disputes as an agent remembers them, the customer's or the merchant's (US 5,671,280, "dispute information" in Tran Log), and what becomes of one. */
import type { Amount } from '../../money/amount.ts';
import type { About, PaymentEvidence } from '../message/dispute.ts';
import type { AgentPeer } from '../message/party.ts';

/**
 * `open`: the merchant has not answered. `granted`: the customer may choose. `denied`: for the merchant it is over. `ruled`: a trusted server
 * has decided. `refunded` and `replaced` are the ends.
 */
export type DisputeStatus = 'open' | 'granted' | 'denied' | 'escalated' | 'ruled' | 'refunded' | 'replaced';

export interface Dispute {
  /** 32 hexadecimal digits, drawn by the customer's agent. */
  readonly number: string;
  readonly side: 'customer' | 'merchant';
  readonly peer: AgentPeer;
  readonly matter: string;
  readonly about: About;
  readonly status: DisputeStatus;
  /** Signed by the customer's agent, and the answer by the merchant's. */
  readonly claim: Uint8Array;
  readonly answer: Uint8Array | undefined;
  readonly ticketId: string | undefined;
  readonly payment: PaymentEvidence | undefined;
  /** What may be chosen. */
  readonly offer: { readonly refund: Amount | undefined; readonly replacement: boolean };
  /** The payment that settled it. */
  readonly refund: PaymentEvidence | undefined;
  /** Of the customer: what its host side chose, where the merchant's agent is reached, and how often it called in vain. */
  readonly choice: DisputeChoice | undefined;
  readonly route: string | undefined;
  /** What is said there that the call is about; hexadecimal. */
  readonly callAbout: string;
  readonly attempts: number;
  readonly openedAtMs: number;
  /** A trusted server has taken this agent's appeal. */
  readonly appealed?: boolean;
  /** The trusted server's last word on it. */
  readonly bundle: Uint8Array | undefined;
}

export type DisputeChoice =
  /** To this card; a payment by money module comes back to the module. */
  { readonly type: 'refund'; readonly credential: string | undefined } | { readonly type: 'replacement' };

/** What a merchant's agent was told by a trusted server and has not answered. */
export interface OpenHearing {
  /** Digest of the complaint, hexadecimal. */
  readonly case: string;
  readonly messageId: string;
  /** The server's key, to seal the statement to. */
  readonly server: Uint8Array;
  readonly number: string;
  readonly complaint: Uint8Array;
  readonly untilMs: number;
}

export interface AgentDisputes {
  readonly byNumber: Map<string, Dispute>;
  readonly hearings: Map<string, OpenHearing>;
}

export type AgentDisputeRecord =
  | { readonly type: 'kept'; readonly dispute: Dispute }
  | { readonly type: 'hearing'; readonly hearing: OpenHearing }
  | { readonly type: 'heard'; readonly case: string };

/** Beyond this many those that are over are dropped, the oldest first: Tran Log has them all. */
const maxDisputes = 1000;
const over: readonly DisputeStatus[] = ['refunded', 'replaced', 'denied', 'ruled'];

export function emptyAgentDisputes(): AgentDisputes {
  return { byNumber: new Map(), hearings: new Map() };
}

export function applyAgentDispute({ byNumber, hearings }: AgentDisputes, record: AgentDisputeRecord): void {
  if (record.type === 'hearing') hearings.set(record.hearing.case, record.hearing);
  else if (record.type === 'heard') hearings.delete(record.case);
  else {
    byNumber.set(record.dispute.number, record.dispute);
    if (byNumber.size <= maxDisputes) return;
    const oldest = [...byNumber.values()].find(({ status }) => over.includes(status));
    if (oldest !== undefined) byNumber.delete(oldest.number);
  }
}

export interface StoredAgentDisputes {
  readonly disputes: readonly Dispute[];
  readonly hearings: readonly OpenHearing[];
}

export function storeAgentDisputes({ byNumber, hearings }: AgentDisputes): StoredAgentDisputes {
  return { disputes: [...byNumber.values()], hearings: [...hearings.values()] };
}

export function restoreAgentDisputes({ disputes, hearings }: StoredAgentDisputes): AgentDisputes {
  return {
    byNumber: new Map(disputes.map((dispute) => [dispute.number, dispute])),
    hearings: new Map(hearings.map((hearing) => [hearing.case, hearing])),
  };
}

/** More than this an agent does not have open with others, so that nobody can fill its memory. */
export const maxOpenDisputes = 500;
export const maxOpenWithOne = 20;
