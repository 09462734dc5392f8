/** What a trusted server remembers, ordinary or primary (US 5,671,280, figure 6B: both have the same parts), and what each record changes. */
import type { AgentKind, ServerCertificate } from '../message/certificate.ts';
import type { ListUpdate, SignedChange } from '../message/list-change.ts';
import type { Presentation } from '../message/state-head.ts';
import { foldUpdate, type TrustLists } from '../message/trust-lists.ts';
import { applySessionRecord, type Session, type SessionRecord } from '../session/session.ts';
import { applyDispute, type DisputeRecord, type Disputes } from './dispute-state.ts';

export interface ServerState {
  identity: ServerIdentity;
  readonly lists: TrustLists;
  /** Every change there ever was, to be passed on. */
  readonly changes: { readonly untrusted: SignedChange[]; readonly primaryKeys: SignedChange[] };
  readonly sessions: Map<string, Session>;
  readonly talks: Map<string, ServerTalk>;
  /** Devices that were announced and have not reported that their certificate is in use: by the token's public name. */
  readonly enrolments: Map<string, Enrolment>;
  /** Those certified here: agents by TA(id), at a primary server the servers by TS(id). */
  readonly registered: Map<number, Registered>;
  /** Not let in any more, before the list says so. */
  readonly suspects: Set<number>;
  readonly disputes: Disputes;
  /** The last number given. */
  serial: number;
}

export type ServerIdentity =
  | { readonly type: 'new' }
  | { readonly type: 'blank'; readonly scalar: Uint8Array; readonly token: Uint8Array }
  | {
      readonly type: 'certified';
      readonly scalar: Uint8Array;
      readonly certificate: ServerCertificate;
      /** Keys of earlier certificates, the newest first: a complaint may have been sealed to one of them. */
      readonly former: readonly Uint8Array[];
    }
  | { readonly type: 'primary'; readonly scalar: Uint8Array; readonly primaryId: number };

export interface Enrolment {
  /** Secret. */
  readonly token: Uint8Array;
  /** Of agents only. */
  readonly kind: AgentKind | undefined;
  /** The number and key of the first device that came with the token: no other one may. */
  readonly taken: { readonly id: number; readonly publicKey: Uint8Array } | undefined;
}

export interface Registered {
  readonly id: number;
  readonly kind: AgentKind | undefined;
  /** Of the certificate known to be in use; absent before the first one is. */
  readonly publicKey: Uint8Array | undefined;
  /** Of a certificate that was given out, and may be in use. */
  readonly offered: Uint8Array | undefined;
  /** When the one in use was first seen in use, Unix milliseconds. */
  readonly confirmedAtMs: number;
  readonly expiresDay: number;
  /** Of agents: where it said last that it is reached; absent for a device that only calls. */
  readonly route?: string;
  /** Of agents: what was countersigned last. */
  readonly latest: Presentation | undefined;
}

export type ServerTalk =
  /** Callee: somebody is to be certified here. */
  | {
      readonly type: 'certifying';
      readonly session: string;
      /** Who it is, if it has a number already. */
      readonly id: number | undefined;
      readonly tries: number;
      /** What is asked for, for further tries. */
      readonly asked:
        | { readonly id: number; readonly publicKey: Uint8Array; readonly versions: [number, number] }
        | undefined;
      /** The enrolment of a device that has no number yet. */
      readonly enrolment: string | undefined;
    }
  /** Caller: this server at its primary one. */
  | {
      readonly type: 'being-certified';
      readonly session: string;
      readonly scalar: Uint8Array;
      readonly tries: number;
      readonly installed: boolean;
    };

export type ServerRecord =
  | SessionRecord
  | { readonly type: 'talk'; readonly talk: ServerTalk }
  | { readonly type: 'talk-over'; readonly session: string }
  | { readonly type: 'blank'; readonly scalar: Uint8Array; readonly token: Uint8Array }
  | { readonly type: 'certified'; readonly scalar: Uint8Array; readonly certificate: ServerCertificate }
  | { readonly type: 'lists'; readonly update: ListUpdate }
  | { readonly type: 'announced'; readonly name: string; readonly enrolment: Enrolment }
  | { readonly type: 'enrolled'; readonly name: string }
  | { readonly type: 'registered'; readonly registered: Registered }
  | { readonly type: 'serial'; readonly serial: number }
  | { readonly type: 'suspected'; readonly id: number }
  | { readonly type: 'dispute'; readonly dispute: DisputeRecord };

export function applyServerRecord(state: ServerState, record: ServerRecord): void {
  switch (record.type) {
    case 'talk':
      state.talks.set(record.talk.session, record.talk);
      break;
    case 'talk-over':
      state.talks.delete(record.session);
      break;
    case 'blank':
      state.identity = record;
      break;
    case 'certified':
      state.identity = { ...record, former: formerKeys(state) };
      break;
    case 'lists':
      foldUpdate(state.lists, record.update);
      state.changes.untrusted.push(...record.update.untrusted);
      state.changes.primaryKeys.push(...record.update.primaryKeys);
      break;
    case 'announced':
      state.enrolments.set(record.name, record.enrolment);
      break;
    case 'enrolled':
      state.enrolments.delete(record.name);
      break;
    case 'registered':
      state.registered.set(record.registered.id, record.registered);
      break;
    case 'serial':
      state.serial = record.serial;
      break;
    case 'suspected':
      state.suspects.add(record.id);
      break;
    case 'dispute':
      applyDispute(state.disputes, record.dispute);
      break;
    default:
      applySessionRecord(state, record);
  }
}

const maxFormer = 4;

function formerKeys({ identity }: ServerState): readonly Uint8Array[] {
  return identity.type === 'certified' ? [identity.scalar, ...identity.former].slice(0, maxFormer) : [];
}
