/** What a trusted agent remembers. The journal it is kept in is sealed (`device.ts`), so keys and tickets may stand here as they are. */
import type { Amount } from '../../money/amount.ts';
import type { AgentId } from '../message/agent-id.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import type { AgentPeer } from '../message/party.ts';
import type { Purpose } from '../message/purpose.ts';
import type { KnownStandings, StandingChange } from '../message/standing-list.ts';
import type { Presentation } from '../message/state-head.ts';
import type { TrustLists } from '../message/trust-lists.ts';
import type { Paper } from '../paper/paper.ts';
import type { Session } from '../session/session.ts';
import type { TicketStatus } from '../ticket/status.ts';
import type { AgentDisputes } from './dispute-state.ts';
import type { DoorState } from './door-state.ts';
import type { Leg, PaymentLeg } from './leg.ts';
import type { Sale } from './sale.ts';
import type { Talk } from './talk.ts';

export interface AgentState {
  identity: Identity;
  readonly lists: TrustLists;
  readonly sessions: Map<string, Session>;
  /** By session. */
  readonly talks: Map<string, Talk>;
  /** Ticket Holder: by the ticket's name. */
  readonly tickets: Map<string, HeldTicket>;
  /** Tickets in a transaction that is not over: by the ticket's name, that of the transaction. */
  readonly underWay: Map<string, string>;
  readonly transactions: Map<string, Transaction>;
  /** What is under way with payment ports: by the transaction. */
  readonly dealings: Map<string, Dealing>;
  /** Electronic objects that this agent has encrypted: by their digest. */
  readonly objects: Map<string, CipheredObject>;
  /** What this agent has marked on other people's tickets: by the ticket's name. */
  readonly books: Map<string, Booked>;
  /** Commercial papers written and received, by their tickets' names, until their orders are settled and others need the room. */
  readonly papers: Map<string, Paper>;
  readonly disputes: AgentDisputes;
  readonly expectations: Map<string, Expectation>;
  readonly door: DoorState;
  /** Tran Log: how many entries, and the hash of them all. */
  readonly log: { count: number; head: Uint8Array };
  readonly heads: { base: Presentation | undefined; presented: Presentation[] };
  /** Number of the last ticket issued. */
  serial: number;
  /** How credentials stand: the list of those that this agent issued, and the lists of others that it goes by, by their issuers. */
  readonly standings: { readonly own: OwnStandings; readonly known: Map<AgentId, KnownStandings> };
  /** Credentials in the form of SD-JWTs, by the name that this device gave them. */
  readonly sdJwts: Map<string, HeldSdJwt>;
}

export interface OwnStandings {
  readonly list: KnownStandings;
  /** All that there ever were, for those that are behind. */
  readonly changes: StandingChange[];
}

export interface HeldSdJwt {
  readonly id: string;
  /** Of the key that it is bound to. Secret. */
  readonly scalar: Uint8Array;
  /** The SD-JWT with all its disclosures; undefined while only the key was made. */
  readonly sdJwt: string | undefined;
}

export type Identity =
  /** As it leaves the place where it is made. */
  | { readonly type: 'new' }
  /** On its way to its first certificate. */
  | { readonly type: 'blank'; readonly scalar: Uint8Array; readonly token: Uint8Array }
  | {
      readonly type: 'certified';
      readonly scalar: Uint8Array;
      readonly certificate: AgentCertificate;
      /** Keys of earlier certificates, the newest first: a statement may have been sealed to one of them long ago. */
      readonly former: readonly Uint8Array[];
    };

export interface Booked {
  readonly status: TicketStatus;
  /** How many entries the log had when it was booked. */
  readonly logged: number;
  /** The mark, where the holder may not have it yet: made for a code, or heard of from another door. */
  readonly unheard?: Uint8Array;
}

export interface HeldTicket {
  readonly id: string;
  /** Compact form. */
  readonly bytes: Uint8Array;
  readonly status: TicketStatus;
  /** The newest mark, encoded. */
  readonly mark: Uint8Array | undefined;
  /** Of an attestation: its fields with their salts. */
  readonly disclosures?: Uint8Array;
  /** How it was paid for (figure 16, step 634, and 21, step 722). */
  readonly payment?: PaymentMade;
}

/** A payment in which this agent took part, as it is logged, and kept with what was bought. */
export interface PaymentMade extends Omit<PaymentLeg, 'type'> {
  readonly transaction: string;
  /** What the port said of it, or the other side's. */
  readonly receipt?: Uint8Array;
}

/** An electronic object that only its decryption tickets open (figure 15, steps 494 to 500). */
export interface CipheredObject {
  /** Of the whole encrypted file. */
  readonly digest: Uint8Array;
  readonly length: number;
  readonly objectId: string;
  /** Secret. */
  readonly key: Uint8Array;
}

/** What a host side announced that somebody will call for. */
export interface Expectation {
  /** The matter, as the host side calls it. */
  readonly id: string;
  readonly purpose: Purpose;
  /** Hexadecimal, as the caller will say it; undefined for any. */
  readonly about: string | undefined;
  /** Undefined for any number of times. */
  readonly left: number | undefined;
  /** Unix milliseconds. */
  readonly untilMs: number;
  /** The ticket to show if a credential is asked for. */
  readonly credential: string | undefined;
  /** The fields of it to show, where it is an attestation. */
  readonly fields?: readonly string[];
  /** Of the purpose `buy`: what is for sale. */
  readonly sale?: Sale;
}

/** A transaction of two agents, from when this one has something at stake until it need not remember it any more. */
export interface Transaction {
  /** 32 hexadecimal digits, chosen by the caller. */
  readonly id: string;
  readonly role: 'decider' | 'voter';
  /** `open`: the decider may still abort. `voted`: the voter may not. `committed`: the voter has not said yet that it heard. */
  status: 'open' | 'voted' | 'committed';
  readonly session: string;
  /** How the host side calls the matter. */
  readonly matter: string;
  readonly peer: AgentPeer;
  readonly route: string | undefined;
  readonly legs: readonly Leg[];
  /** Signatures for the legs of type `give`: of a decider that committed, or of a voter. */
  deeds: readonly Uint8Array[];
  /** Of a decider: the deeds that came with the vote. */
  readonly theirDeeds?: readonly Uint8Array[];
  /** Of a decider that committed: what its port said of the payment. */
  receipt?: Uint8Array;
  /** How often the outcome was asked for. */
  asked: number;
}

/** What is under way with a payment port (`dealing.ts`). */
export interface Dealing {
  /** 32 hexadecimal digits: of the transaction that is paid. */
  readonly transaction: string;
  readonly session: string;
  readonly port: string;
  readonly way: 'card' | 'module';
  readonly side: 'payer' | 'payee';
  readonly amount: Amount;
  /** Whether this agent names the amount to its module; otherwise it verifies what the module heard. */
  readonly initiates: boolean;
  /** Of the channel between agent and port. Secret. */
  readonly key: Uint8Array;
  /** By module: this agent's part of the key. */
  readonly contribution?: Uint8Array;
  /** Whether the port has the key, too: from then on nothing unsealed counts. */
  readonly sealed: boolean;
  /** Of the last request; an answer to an earlier one does not count any more. */
  readonly number: number;
  /** `over`: the port is told how it ended and has not acknowledged it. */
  readonly step: 'begun' | 'prepared' | 'executing' | 'over';
}
