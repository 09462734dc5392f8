/** What an agent remembers of codes: those it showed itself, and at a door what it saw, let in, and heard of others. */
import type { AgentId } from '../message/agent-id.ts';
import type { DoorReason } from '../ticket/door-reason.ts';
import type { Scan } from '../ticket/scan.ts';
import { readMark } from '../ticket/status.ts';

export interface DoorState {
  /** Holder: codes of tickets that may still be shown somewhere, by the ticket's name. */
  readonly shown: Map<string, ShownCode>;
  /** Door: by the ticket's name, with whom it was when it was seen last. */
  readonly seen: Map<string, Seen>;
  /**
   * Issuer: what it took back itself. Door: what it heard that others took back. By the ticket's name: who its issuer is shows only when it
   * comes, so what one agent says takes the place of no other's word.
   */
  readonly voided: Map<string, readonly Voided[]>;
  /** Door: signatures under issuers' certificates that were found genuine, in hexadecimal. */
  readonly issuersMet: Set<string>;
}

export interface ShownCode {
  /** Unix seconds: of the first code that may count, and of the last. */
  readonly fromS: number;
  readonly untilS: number;
  readonly paper: boolean;
}

export interface Seen {
  readonly holder: AgentId;
  /** How often the ticket had been transferred. */
  readonly transfers: number;
  /** When somebody was let in with it last, Unix seconds. */
  readonly atS: number;
}

export interface Voided {
  readonly by: AgentId;
  /** Of the issuer, encoded. */
  readonly mark: Uint8Array;
}

export type DoorRecord =
  | { readonly type: 'shown'; readonly ticketId: string; readonly shown: ShownCode }
  | { readonly type: 'scanned'; readonly scan: Scan; readonly seen: Seen }
  /** A code that is genuine and did not count: evidence, changes nothing. */
  | {
      readonly type: 'turned-away';
      readonly ticketId: string;
      readonly code: Uint8Array;
      readonly reason: DoorReason;
      readonly atS: number;
    }
  | { readonly type: 'learnt'; readonly ticketId: string; readonly mark: Uint8Array; readonly seen: Seen }
  /** Another door saw it, and what that door took off is known already. */
  | { readonly type: 'sighted'; readonly ticketId: string; readonly seen: Seen }
  | { readonly type: 'voided'; readonly ticketId: string; readonly voided: Voided }
  | { readonly type: 'issuer-met'; readonly signature: string };

/** Journal key of scans. */
export const SCAN_KEY = 'scans';

const maxIssuers = 1000;

export function newDoorState(): DoorState {
  return { shown: new Map(), seen: new Map(), voided: new Map(), issuersMet: new Set() };
}

export function applyDoorRecord(state: DoorState, record: DoorRecord): void {
  switch (record.type) {
    case 'shown':
      state.shown.set(record.ticketId, record.shown);
      break;
    case 'scanned':
      saw(state, record.scan.ticketId, record.seen);
      break;
    case 'turned-away':
      break;
    case 'learnt':
    case 'sighted':
      saw(state, record.ticketId, record.seen);
      break;
    case 'voided':
      noteVoid(state, record.ticketId, record.voided);
      break;
    case 'issuer-met':
      if (state.issuersMet.size < maxIssuers) state.issuersMet.add(record.signature);
      break;
  }
}

/** What is revoked stays so. */
function noteVoid({ voided }: DoorState, ticketId: string, now: Voided): void {
  const said = voided.get(ticketId) ?? [];
  const before = said.find(({ by }) => by === now.by);
  if (before !== undefined && readMark(before.mark).standing === 'revoked') return;
  voided.set(ticketId, [...said.filter((one) => one !== before), now]);
}

/** What that agent said. */
export function voidedBy({ voided }: DoorState, ticketId: string, by: AgentId): Voided | undefined {
  return voided.get(ticketId)?.find((one) => one.by === by);
}

function saw({ seen }: DoorState, ticketId: string, now: Seen): void {
  const before = seen.get(ticketId);
  // The longest history counts: whoever is further back has given the ticket away.
  if (before === undefined || now.transfers >= before.transfers) seen.set(ticketId, now);
}

export interface StoredDoor {
  readonly shown: readonly [string, ShownCode][];
  readonly seen: readonly [string, Seen][];
  readonly voided: readonly (readonly [string, Voided])[];
  readonly issuersMet: readonly string[];
}

const each = (voided: DoorState['voided']) =>
  [...voided].flatMap(([ticketId, all]) => all.map((one) => [ticketId, one] as const));

export function storeDoor({ shown, seen, voided, issuersMet }: DoorState): StoredDoor {
  return { shown: [...shown], seen: [...seen], voided: each(voided), issuersMet: [...issuersMet] };
}

export function restoreDoor({ shown, seen, voided, issuersMet }: StoredDoor): DoorState {
  const state: DoorState = { ...newDoorState(), shown: new Map(shown), seen: new Map(seen) };
  for (const [ticketId, one] of voided) noteVoid(state, ticketId, one);
  for (const signature of issuersMet) state.issuersMet.add(signature);
  return state;
}
