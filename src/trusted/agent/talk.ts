/** How far a conversation has come, by what it is for and which side of it this agent is on. */

import type { Amount } from '../../money/amount.ts';
import type { ObjectReference } from '../message/purchase-talk.ts';
import type { Selection } from '../message/selection.ts';
import type { PaperComponents } from '../paper/paper.ts';
import type { Components } from '../ticket/components.ts';
import type { Leg, StoredUnsigned, TicketImage, TopUp } from './leg.ts';
import type { Sale } from './sale.ts';

interface InSession {
  readonly session: string;
  /** How the host side calls the matter. */
  readonly matter: string;
}

/** What a host side wants to be given to another agent. */
export type WantedItem =
  | { readonly type: 'transfer'; readonly ticketId: string }
  | { readonly type: 'issue'; readonly components: Components };

/** Caller; figure 8. */
export interface CertifyingTalk extends InSession {
  readonly type: 'certifying';
  readonly purpose: 'initialise' | 'recertify' | 'sync';
  readonly tries: number;
  /** Of the key to be certified. Secret. */
  readonly scalar: Uint8Array | undefined;
  readonly step: 'calling' | 'asked' | 'installed';
}

/** Caller; figure 25. */
export interface GivingTalk extends InSession {
  readonly type: 'giving';
  readonly items: readonly WantedItem[];
  readonly check: boolean;
  readonly step: 'calling' | 'checking' | 'confirming' | 'offered' | 'committed';
  readonly transaction: string | undefined;
}

/** Callee; figure 25. */
export interface TakingTalk extends InSession {
  readonly type: 'taking';
  /** To be shown if asked for. */
  readonly credential: string | undefined;
  /** Of an attestation, these fields. */
  readonly fields?: readonly string[];
  readonly transaction: string | undefined;
}

/** Caller; figures 23 and 24. */
export interface PresentingTalk extends InSession {
  readonly type: 'presenting';
  readonly ticketId: string;
  readonly fields?: readonly string[];
  readonly check: boolean;
  readonly step: 'calling' | 'checking' | 'confirming' | 'presented' | 'waiting';
  /** Committed, the acceptor has not answered yet. */
  readonly transaction: string | undefined;
}

/** What the acceptor's host side wants marked. */
export interface Use {
  /** To be taken off what is left; a negative number tops up, which only the issuer can. */
  readonly units: number;
  /** Nothing follows: the ticket is not in use any more. */
  readonly last: boolean;
}

/** Callee; figures 23 and 24. */
export interface AcceptingTalk extends InSession {
  readonly type: 'accepting';
  /** To be shown if asked for. */
  readonly credential: string | undefined;
  /** Of an attestation, these fields. */
  readonly fields?: readonly string[];
  readonly ticketId: string | undefined;
  /** How many entries the log had when the holder was let in. */
  readonly begun: number;
  /** Compact form, once it was presented. */
  readonly ticket: Uint8Array | undefined;
  /** A request of the holder waits for an answer. */
  readonly owes: boolean;
  readonly uses: readonly Use[];
  /** Voted, the holder has not committed yet; the use that it is for. */
  readonly offered: { readonly transaction: string; readonly use: Use | undefined } | undefined;
}

/** How a buyer pays (figure 12, steps 426 and 428). */
export type PaymentChoice =
  /** With the card credential of this name. */
  | { readonly type: 'card'; readonly ticketId: string }
  /** With the money module; whose names the amount. */
  | { readonly type: 'module'; readonly initiator: 'payer' | 'payee' };

/** Caller; figures 12, 14 and 15. */
export interface BuyingTalk extends InSession {
  readonly type: 'buying';
  readonly selection: Selection;
  readonly price: Amount;
  /** To be shown if the merchant wants one. */
  readonly credential: string | undefined;
  /** Chosen when it was ordered, or when the merchandise was there. */
  readonly choice: PaymentChoice | undefined;
  /** Claim 38: the money moves, provisionally, before the ticket does. */
  readonly moneyFirst: boolean;
  readonly step:
    | 'calling'
    | 'checking'
    | 'confirming-merchant'
    | 'ordered'
    | 'fetching'
    | 'confirming'
    | 'choosing'
    | 'paying'
    | 'voting'
    | 'settling';
  /** Of the transaction to be, 32 hexadecimal digits. */
  readonly transaction: string;
  /** Held provisionally. */
  readonly delivered: Delivered | undefined;
}

export interface Delivered {
  readonly ticketId: string;
  readonly ticket: StoredUnsigned;
  readonly object: ObjectReference | undefined;
}

/** Callee; figures 12, 14 and 15. */
export interface SellingTalk extends InSession {
  readonly type: 'selling';
  readonly sale: Sale;
  /** To be shown if asked for; otherwise the merchant's own. */
  readonly credential: string | undefined;
  readonly step: 'begun' | 'credential-wanted' | 'confirming-credential' | 'fetching' | 'offered' | 'over';
  /** The customer's credential was wanted, and is good. */
  readonly checked: boolean;
  /** How often the merchandise server was asked. */
  readonly tries: number;
  readonly offered: Pick<Delivered, 'ticketId' | 'ticket'> | undefined;
  /** Once the payment began. */
  readonly transaction: string | undefined;
}

/** Caller; figures 30 to 32. */
export interface DisputingTalk extends InSession {
  readonly type: 'disputing';
  /** Of the dispute. */
  readonly number: string;
  readonly check: boolean;
  readonly step:
    | 'calling'
    | 'checking'
    | 'confirming'
    | 'told'
    | 'acknowledging'
    | 'choosing'
    | 'asking'
    | 'refunding'
    | 'asking-module'
    | 'refunding-by-module'
    | 'viewing'
    | 'rejecting'
    | 'replacing'
    | 'settling';
  readonly transaction: string | undefined;
  /** The mark that takes the ticket back, while a money module pays. */
  readonly mark?: Uint8Array;
  /** New merchandise, held provisionally, and the mark that takes the old back. */
  readonly delivered:
    | { readonly ticketId: string; readonly ticket: StoredUnsigned; readonly mark: Uint8Array }
    | undefined;
}

/** Callee; figures 30 to 32. */
export interface ResolvingTalk extends InSession {
  readonly type: 'resolving';
  /** To be shown if asked for; otherwise the merchant's own. */
  readonly credential: string | undefined;
  /** Of the dispute, once it was told. */
  readonly number: string | undefined;
  /** A request of the customer waits for an answer. */
  readonly owes: boolean;
  readonly step: 'begun' | 'answered' | 'paying-back' | 'paying-by-module' | 'fetching' | 'offered' | 'over';
  /** How often the merchandise server was asked. */
  readonly tries: number;
  /** The mark that takes the old ticket back, and the new one, if there is to be one; by the name of that, or of the old. */
  readonly offered:
    | { readonly ticketId: string; readonly ticket: StoredUnsigned | undefined; readonly mark: Uint8Array }
    | undefined;
  readonly transaction: string | undefined;
}

/** What a credential is wanted from an authority for. */
export type CredentialGoal =
  /** Figure 26. */
  | {
      readonly type: 'acquire';
      readonly wanted: string;
      readonly code: Uint8Array | undefined;
      readonly evidence: readonly ChosenCredential[];
    }
  /** Figure 28. */
  | { readonly type: 'revalidate'; readonly ticketId: string };

export interface ChosenCredential {
  readonly ticketId: string;
  /** Of an attestation, these fields; none unless they are named. */
  readonly fields?: readonly string[];
}

/** A credential on its way from an authority, not signed yet. */
export interface DeliveredCredential {
  readonly transaction: string;
  readonly ticketId: string;
  readonly ticket: StoredUnsigned;
  readonly disclosures?: Uint8Array;
  readonly price?: Amount;
}

/** Caller; figures 26 to 28. */
export interface AcquiringTalk extends InSession {
  readonly type: 'acquiring';
  readonly goal: CredentialGoal;
  readonly check: boolean;
  readonly step:
    | 'calling'
    | 'checking'
    | 'confirming'
    | 'asked'
    | 'deciding'
    | 'choosing'
    | 'accepted'
    | 'paying'
    | 'leaving';
  readonly delivered: DeliveredCredential | undefined;
}

/** Caller: a copy of a credential in the form of an SD-JWT VC. */
export interface ExportingTalk extends InSession {
  readonly type: 'exporting';
  readonly ticketId: string;
  /** Of the key that the copy is bound to. Secret. */
  readonly scalar: Uint8Array;
}

/** Callee, an authority; figures 26 to 28. */
export interface CreatingTalk extends InSession {
  readonly type: 'creating';
  /** To be shown if asked for. */
  readonly credential: string | undefined;
  readonly step: 'open' | 'consulting' | 'delivered' | 'issued' | 'in-person';
  /** The number under which the authority's server was asked, and of the transaction that follows. */
  readonly transaction: string | undefined;
  /** The credential that was shown to be revalidated. */
  readonly replaces: TicketImage | undefined;
  /** What would be issued, and all that its commit changes. */
  readonly offer?: { readonly ticketId: string; readonly legs: readonly Leg[]; readonly price?: Amount };
}

/** Caller; figure 29. */
export interface RemittingTalk extends InSession {
  readonly type: 'remitting';
  readonly amount: Amount;
  /** What a remittance advice is to say. */
  readonly advice?: Omit<PaperComponents<'remittance-advice'>, 'type'>;
  /** Invoices held that are paid by it. */
  readonly invoices: readonly string[];
  readonly payment: PaymentChoice | { readonly type: 'later' };
  /** To be shown if the payee wants one. */
  readonly credential?: string;
  readonly fields?: readonly string[];
  readonly step:
    | 'calling'
    | 'checking'
    | 'confirming'
    | 'asking'
    | 'shown'
    | 'advised'
    | 'paying'
    | 'promised'
    | 'leaving';
  readonly transaction: string;
  /** What is paid is a top-up. */
  readonly topUp?: TopUp;
  readonly legs: readonly Leg[];
  /** Once it was laid out. */
  readonly receiptId?: string;
}

/** Callee; figure 29. */
export interface CollectingTalk extends InSession {
  readonly type: 'collecting';
  /** To be shown. */
  readonly credential: string | undefined;
  readonly fields?: readonly string[];
  readonly step: 'begun' | 'asked-host' | 'wanted' | 'confirming' | 'ready' | 'considering' | 'confirmed' | 'over';
  readonly transaction: string | undefined;
  readonly legs: readonly Leg[];
  readonly amount?: Amount;
  /** A bank is going to pay it. */
  readonly later?: boolean;
  /** A ticket of the payer's is raised with it. */
  readonly raise?: Extract<Leg, { type: 'raise' }>;
  /** Of the invoices that are paid. */
  readonly references?: readonly string[];
  /** Of a receipt, which there is only for what is paid now. */
  readonly receiptId?: string;
}

export type Talk =
  | CertifyingTalk
  | GivingTalk
  | TakingTalk
  | PresentingTalk
  | AcceptingTalk
  | BuyingTalk
  | SellingTalk
  | DisputingTalk
  | ResolvingTalk
  | AcquiringTalk
  | CreatingTalk
  | ExportingTalk
  | RemittingTalk
  | CollectingTalk;
