/** What a trusted agent remembers. The journal it is kept in is sealed (`device.ts`), so keys and tickets may stand here as they are. */
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
import type { DoorState } from './door-state.ts';
import type { Leg } from './leg.ts';
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
  /** What this agent has marked on other people's tickets: by the ticket's name. */
  readonly books: Map<string, Booked>;
  /** Commercial papers written and received, by their tickets' names, until their orders are settled and others need the room. */
  readonly papers: Map<string, Paper>;
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
  /** How often the outcome was asked for. */
  asked: number;
}
