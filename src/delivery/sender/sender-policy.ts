/** What a merchant's side of delivery is given: its name and key, whom it knows, and its own terms. */
import type { Signer } from '../../crypto/signed-message.ts';
import type { IdentifyRoles } from '../message/acceptance.ts';
import type { Order } from '../message/order.ts';
import type { NotAccept } from '../message/resending.ts';
import type { SettlementProof } from '../message/settlement-proof.ts';
import type { Identify, Party, Signed } from '../message/signed-by.ts';

export interface SenderPolicy {
  readonly name: string;
  /** Also what is sealed to the merchant opens with its key. */
  readonly signer: Signer;
  readonly identify: IdentifyRoles & { readonly arbiter: Identify };
  readonly proof: SettlementProof;
  /** Who keeps K2, by name, and their base URLs. */
  readonly trustees: ReadonlyMap<string, { readonly url: string; readonly party: Party }>;
  /** By name: whose rulings count. */
  readonly arbiters: ReadonlySet<string>;
  /** For the stateless checks, Unix milliseconds. */
  readonly nowMs: () => number;
  /** Throws a HandselError unless this customer may have it at this price, to be paid there: what was agreed is not delivery's business. */
  terms(order: Signed<Order>): void;
  /** Where a package is to be fetched again after a not-accept; default where it was. */
  resend?(order: NotAccept): readonly string[] | undefined;
  /** Route to tell of what was sold, lapsed or ruled, e.g. `local:shop`; nobody is told without it. */
  readonly notify?: string;
  /** What is said to a complaint that nobody answers. */
  readonly statement?: string;
  /** Complaints about words wait for what people say, until shortly before the hearing ends; default they do not. */
  readonly answersInPerson?: boolean;
  /** How long K2 is to be kept, from each lodging on; default a year. It is lodged again when a fifth of it is left. */
  readonly keepMs?: number;
  /** The longest an order may leave until its deadline; default seven days. */
  readonly longestOrderMs?: number;
  /** Orders of one customer that wait, default 1000. */
  readonly maxOpen?: number;
}

export const keepMs = (policy: SenderPolicy) => policy.keepMs ?? 365 * 86_400_000;
export const longestOrderMs = (policy: SenderPolicy) => policy.longestOrderMs ?? 7 * 86_400_000;
export const maxOpen = (policy: SenderPolicy) => policy.maxOpen ?? 1000;

/** So long after its deadline an order is remembered: an accept made in time may be on its way. */
export const GRACE_MS = 3_600_000;
