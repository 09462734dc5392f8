/**
 * To Host (US 5,671,280, function 160): everything the device's host side ever learns from its agent. Keys, decryption keys and the numbers of
 * cards are not in it; tickets leave the agent only inside sessions.
 */
import { encodeCbor } from '../../codec/cbor.ts';
import type { CborValue } from '../../codec/cbor-value.ts';
import { toHex } from '../../codec/hex.ts';
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, digest, list, oneOf, optional, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import type { Claims } from '../credential/claim.ts';
import { openDisclosures } from '../credential/disclosure.ts';
import { agentIdShape } from '../message/agent-id.ts';
import { amountShape } from '../message/amount-shape.ts';
import { agentKinds } from '../message/certificate.ts';
import { dayShape } from '../message/day.ts';
import { answerOutcomes, complaints, disputeText } from '../message/dispute.ts';
import { selectionShape } from '../message/selection.ts';
import { rulingOutcomes, ticketReasonCodes } from '../message/ticket-ruling.ts';
import { objectHeaderShape } from '../object/object-header.ts';
import { decodeTicket } from '../ticket/compact-ticket.ts';
import type { Components } from '../ticket/components.ts';
import { doorReasons } from '../ticket/door-reason.ts';
import { standings, type TicketStatus } from '../ticket/status.ts';
import { sectionsOf, type Ticket, type TicketBody, type TicketSections, ticketIdOf } from '../ticket/ticket.ts';
import { maxCodeBytes } from '../ticket/ticket-code.ts';
import type { HeldTicket } from './agent-state.ts';
import type { Turn } from './turn.ts';

const ticketId = () => text({ min: 32, max: 32 });
const session = () => text({ min: 32, max: 32 });
const matter = () => text({ max: 64 });
const why = () => text({ max: 200 });

const statusFields = {
  standing: oneOf(...standings),
  remaining: optional(whole({ max: 0xffff_ffff })),
  /** Unix seconds; 0 when it is not. */
  inUseUntilS: whole({ max: 0xffff_ffff }),
};

const shownTicketShape = row({
  ticketId: ticketId(),
  issuerName: text({ max: 120 }),
  issuerExpiresDay: dayShape(),
  issuedOnDay: dayShape(),
  transfers: whole({ max: 255 }),
  ...statusFields,
  /** The components that may be shown, as a CBOR map by name. */
  components: bytes({ max: 65_536 }),
  /** Of a credential whose issuer's list this agent has: how old that is, Unix seconds. */
  listedAtS: optional(whole({ max: 0xffff_ffff })),
});
export type ShownTicket = Shaped<typeof shownTicketShape>;

const notices = {
  certified: numbered(1, { agentId: agentIdShape(), kind: oneOf(...agentKinds), expiresDay: dayShape() }),
  /** Nothing was changed by the matter. */
  failed: numbered(2, { matter: matter(), why: why() }),
  /** Show this, and answer with the command `confirm`. */
  'confirm-credential': numbered(3, { matter: matter(), session: session(), credential: shownTicketShape }),
  given: numbered(4, { matter: matter(), ticketIds: list(ticketId(), { max: 64 }) }),
  received: numbered(5, { matter: matter(), tickets: list(shownTicketShape, { max: 64 }) }),
  /** To the acceptor: somebody shows this; the command `use` follows. */
  presented: numbered(6, { matter: matter(), session: session(), ticket: shownTicketShape }),
  /** To the acceptor: the holder's agent keeps the mark, so the service may be rendered. */
  granted: numbered(7, {
    ...{ matter: matter(), session: session(), ticketId: ticketId() },
    units: whole({ min: -0xffff_ffff, max: 0xffff_ffff }),
    ...statusFields,
  }),
  /** To the holder: a ticket of its changed. */
  marked: numbered(8, { matter: matter(), ticketId: ticketId(), ...statusFields }),
  over: numbered(9, { matter: matter() }),
  /** A commercial paper came or was given: so stands the order it is about; without one, what is wrong with the paper. */
  account: numbered(40, {
    matter: matter(),
    peer: agentIdShape(),
    reference: optional(text({ max: 120 })),
    standing: optional(oneOf('on-order', 'invoiced', 'paid')),
    verdict: oneOf('matched', 'open', 'contradicted'),
    missing: list(text({ max: 500 }), { max: 20 }),
    contradictions: list(text({ max: 500 }), { max: 20 }),
  }),
  /** To the customer: a dispute was opened, and goes by that number. */
  disputing: numbered(41, { matter: matter(), number: ticketId() }),
  /** The merchant has it before it. */
  'dispute-noted': numbered(42, { matter: matter(), number: ticketId(), untilMs: timeMs() }),
  /** The merchant's answer; where it grants something, the command `choose` follows. */
  'dispute-answered': numbered(43, {
    ...{ matter: matter(), number: ticketId(), outcome: oneOf(...answerOutcomes), reason: disputeText() },
    ...{ refund: optional(amountShape()), replacement: optional(whole({ max: 1 })) },
  }),
  /** The merchant's time to answer is over: the command `escalate` may follow. */
  'dispute-overdue': numbered(44, { matter: matter(), number: ticketId() }),
  /** To the merchant (step 1088): the command `answer-dispute` follows. */
  disputed: numbered(45, {
    ...{ matter: matter(), number: ticketId(), peer: agentIdShape(), about: oneOf(...complaints) },
    ...{ statement: disputeText(), ticket: shownTicketShape, paid: optional(amountShape()) },
  }),
  /** To the merchant (step 1104): the command `replacement` follows. */
  'fetch-replacement': numbered(46, {
    ...{ matter: matter(), session: session(), number: ticketId(), ticketId: ticketId() },
    /** Of three. */
    attempt: whole({ min: 1, max: 3 }),
  }),
  /** To the customer: answer with the command `confirm`. */
  'confirm-replacement': numbered(47, {
    ...{ matter: matter(), session: session(), number: ticketId(), ticket: shownTicketShape },
  }),
  'dispute-settled': numbered(48, { matter: matter(), number: ticketId(), how: oneOf('refunded', 'replaced') }),
  /** To the merchant: a trusted server asks what it has to say; the command `state-in-dispute` follows. */
  'heard-in-dispute': numbered(49, {
    ...{ number: ticketId(), case: digest(), about: oneOf(...complaints), statement: disputeText() },
    ...{ complaint: disputeText(), customer: agentIdShape(), untilMs: timeMs() },
  }),
  /** A trusted server has ruled. The bundle can be kept and shown to anybody. */
  ruled: numbered(60, {
    ...{ matter: matter(), number: ticketId(), case: digest(), outcome: oneOf(...rulingOutcomes) },
    ...{ code: oneOf(...ticketReasonCodes), reason: text({ max: 500 }), finalAtMs: timeMs() },
    bundle: bytes({ max: 1 << 20 }),
  }),
  /** The other agent knows how it ended and has not said so yet. */
  undecided: numbered(10, { matter: matter() }),
  /** To the merchant (step 412): get this from the merchandise server, and answer with the command `merchandise`. */
  'fetch-merchandise': numbered(20, {
    ...{ matter: matter(), session: session(), selection: selectionShape, price: amountShape() },
    /** Of three. */
    attempt: whole({ min: 1, max: 3 }),
  }),
  /** To the customer (step 506): fetch the encrypted object, and answer with the command `object-arrived`. */
  'fetch-object': numbered(21, { matter: matter(), session: session(), digest: digest(), length: whole() }),
  /** To the customer (step 488): show this, and answer with the command `confirm`. */
  'confirm-merchandise': numbered(22, {
    ...{ matter: matter(), session: session(), ticket: shownTicketShape, price: amountShape() },
    /** What the header of an electronic object says. */
    object: optional(objectHeaderShape),
  }),
  /** To the customer (step 426): answer with the command `pay`. */
  'choose-payment': numbered(23, { matter: matter(), session: session(), price: amountShape() }),
  /** Money moved: this agent's owner is the payer or the payee. */
  paid: numbered(24, {
    ...{ matter: matter(), transaction: text({ min: 32, max: 32 }), amount: amountShape() },
    ...{ side: oneOf('payer', 'payee'), way: oneOf('card', 'module') },
    receipt: optional(bytes({ max: 1024 })),
  }),
  /** Figure 22: what opens the merchandise that was bought. Nobody hears it before the purchase is committed. */
  opened: numbered(25, {
    ticketId: ticketId(),
    object: text({ max: 120 }),
    keys: list(bytes({ max: 64 }), { max: 16 }),
  }),
  /** Figure 27, steps 928 to 930: this is what the authority would issue; `confirm` answers, and says how it is paid if there is a price. */
  'confirm-delivery': numbered(30, {
    ...{ matter: matter(), session: session(), credential: shownTicketShape },
    price: optional(amountShape()),
    /** The credential that it takes the place of. */
    replaces: optional(ticketId()),
  }),
  /** Figure 28, step 992: the credential stays as it is until its owner has been there. */
  'revalidate-in-person': numbered(31, { matter: matter() }),
  /** To a payee (figure 29, step 1018): is the payer's credential wanted? `confirm` answers. */
  'require-credential': numbered(33, { matter: matter(), session: session() }),
  /** To a payee (step 1032): this is to be paid; `confirm` answers. */
  'confirm-payment': numbered(34, {
    ...{ matter: matter(), session: session(), amount: amountShape() },
    /** Who signs the remittance advice, and the invoices it is for; empty if there is none. */
    payer: text({ max: 120 }),
    references: list(text({ max: 120 }), { max: 100 }),
    /** A bank is going to pay it: what there is then is the signed advice. */
    later: whole({ max: 1 }),
    /** A ticket of the payer's that is to be topped up for it, as it is now, and by how much. */
    raise: optional(row({ ticket: shownTicketShape, units: whole({ min: 1, max: 0xffff_ffff }) })),
  }),
  /** A credential is held in the form of an SD-JWT VC. */
  'sd-jwt-held': numbered(35, {
    ...{ matter: matter(), id: text({ max: 64 }), issuer: text({ max: 300 }), vct: text({ max: 300 }) },
    /** Unix seconds. */
    expiresAtS: optional(whole()),
  }),
  /** For the verifier that it was asked for. */
  'sd-jwt': numbered(36, { matter: matter(), id: text({ max: 64 }), text: text({ max: 262_144 }) }),
  /** Its public half, as a JWK. */
  'sd-jwt-key': numbered(37, { matter: matter(), id: text({ max: 64 }), jwk: text({ max: 1000 }) }),
  /** The list of an authority was taken in. */
  standings: numbered(32, {
    issuer: agentIdShape(),
    version: whole({ max: 0xffff_ffff }),
    /** Unix seconds. */
    atS: whole({ max: 0xffff_ffff }),
  }),
  /** To the holder: show this to a door. */
  code: numbered(50, {
    ...{ matter: matter(), ticketId: ticketId(), code: bytes({ max: maxCodeBytes }) },
    /** Unix seconds. */
    untilS: whole({ max: 0xffff_ffff }),
  }),
  /** To a door: whoever showed the code may come in. */
  'let-in': numbered(51, {
    ...{ matter: matter(), ticket: shownTicketShape, holder: agentIdShape() },
    units: whole({ max: 0xffff_ffff }),
    paper: whole({ max: 1 }),
  }),
  /** To a door: not so, and why; for the person who stands there. */
  'turned-away': numbered(52, {
    ...{ matter: matter(), reason: oneOf(...doorReasons), why: why() },
    ticket: optional(shownTicketShape),
  }),
  /** To the issuer: the mark that says so, for doors and for the holder. */
  'taken-back': numbered(53, { matter: matter(), ticketId: ticketId(), mark: bytes({ max: 1024 }) }),
};
export type HostNotice = ChoiceOf<typeof notices>;

export const hostNoticeType: MessageType<HostNotice> = {
  name: 'trusted-host-notice',
  shape: choice(notices),
  maxBytes: 1 << 20,
};

/** Where To Host sends: the device's own host side. */
export const HOST_ROUTE = 'host-side';

export function tellHost({ draft, env }: Turn, notice: HostNotice): void {
  draft.send.push({
    id: `host/${toHex(env.random(8))}`,
    to: HOST_ROUTE,
    kind: notice.type,
    body: encodeCbor(hostNoticeType.shape.encode(notice)),
  });
}

export function shownStatus({ standing, remaining, inUseUntilS }: TicketStatus) {
  return { standing, inUseUntilS, ...(remaining === undefined ? {} : { remaining }) };
}

/** The six sections of a ticket (figure 2) as its owner may see them: the components are those of `showTicket`. */
export type ShownSections = Omit<TicketSections, 'components'>;

export function showSections(ticket: Ticket): ShownSections {
  const { components: _, ...sections } = sectionsOf(ticket);
  return sections;
}

/** Beside the ticket: the fields of an attestation that are known here, and when the list of its issuer was made, Unix seconds. */
interface Beside {
  readonly claims?: Claims;
  readonly listedAtS?: number;
}

/** What may be seen of a ticket outside an agent. */
export function showTicket(
  ticket: Omit<Ticket, 'issuerSignature'>,
  status: TicketStatus,
  beside: Beside = {},
): ShownTicket {
  const { issuerName, issuerExpiresDay, issuedOnDay, components } = ticket.body;
  const { claims, listedAtS } = beside;
  return {
    ...{ ticketId: ticketIdOf(ticket), issuerName, issuerExpiresDay, issuedOnDay },
    transfers: ticket.transfers.length,
    ...shownStatus(status),
    components: encodeCbor(shownComponents(components, claims)),
    ...(listedAtS === undefined ? {} : { listedAtS }),
  };
}

/** A credential that is not signed yet, to whoever is to accept it. */
export function showUnissued({
  ticketId,
  body,
  status,
  claims,
}: {
  readonly ticketId: string;
  readonly body: TicketBody;
  readonly status: TicketStatus;
  readonly claims: Claims;
}): ShownTicket {
  const { issuerName, issuerExpiresDay, issuedOnDay, components } = body;
  return {
    ...{ ticketId, issuerName, issuerExpiresDay, issuedOnDay, transfers: 0, ...shownStatus(status) },
    components: encodeCbor(shownComponents(components, claims)),
  };
}

/** A ticket of its own, to the owner of the device. */
export function showHeld({ bytes, status, disclosures }: HeldTicket): ShownTicket {
  const ticket = decodeTicket(bytes);
  const claims = disclosures === undefined ? {} : openDisclosures(ticket.body.components, disclosures);
  return showTicket(ticket, status, { claims });
}

const secrets: readonly string[] = ['decryptionKey', 'decryptionKeys', 'digests'];

function shownComponents(components: Components, claims: Claims = {}): Readonly<Record<string, CborValue>> {
  const shown = Object.entries(components).filter(([name]) => !secrets.includes(name));
  const fields = Object.fromEntries(shown) as Readonly<Record<string, CborValue>>;
  if (components.type === 'attestation') return { ...fields, claims };
  return components.type === 'card' ? { ...fields, number: `…${components.number.slice(-4)}` } : fields;
}
