/**
 * The Components section of a ticket, for every kind that figure 2 of US 5,671,280 shows and for the commercial papers its text names. The
 * numbers in brackets are the figure's fields. What changes after the issue is not here, since it is not under the issuer's signature:
 * Status (58, 84, 100), In Use (60, 70, 86, 102, 118) and the remaining Time Available (116) are in `status.ts`.
 */
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { bytes, digest, list, oneOf, optional, type Shape, type Shaped, text, whole } from '../../codec/shape.ts';
import { amountShape } from '../message/amount-shape.ts';
import { dayShape } from '../message/day.ts';

/** Fields of an attestation, with those that stand for nothing. */
export const maxClaims = 64;

const name = () => text({ min: 1, max: 120, line: true });
const address = () => text({ min: 1, max: 300 });
const words = () => text({ max: 2000 });
const picture = () => bytes({ max: 16_384 });
const key = () => bytes({ min: 16, max: 64 });
const references = (min: number) => list(name(), { min, max: 100 });
/** Unix seconds, to the year 2106. */
const second = () => whole({ max: 0xffff_ffff });

const itemShape = row({ description: name(), quantity: whole({ min: 1, max: 1_000_000 }), price: amountShape() });
export type PaperItem = Shaped<typeof itemShape>;

export const kinds = {
  /** A decryption ticket: opens one electronic object. */
  decryption: numbered(1, {
    /** (36) */
    objectId: name(),
    /** (36) Title and author, say. */
    description: optional(words()),
    /** (38) */
    decryptionKey: key(),
    /** (40) */
    price: amountShape(),
    /** (42) */
    purchasedOnDay: dayShape(),
    /** (44) Of the merchant, over the encrypted object. */
    objectSignature: bytes({ min: 64, max: 64 }),
    /** (46) Restrictions. */
    usage: optional(words()),
  }),
  /** A credential: a driver's licence, a passport. */
  licence: numbered(2, {
    /** What it is: `driver's licence`. */
    title: name(),
    /** (48) */
    name: name(),
    /** (50) */
    address: address(),
    /** (52) */
    picture: picture(),
    /** (52) */
    physicalDescription: words(),
    /** (54) An image. */
    signature: picture(),
    /** (56) */
    expiresDay: dayShape(),
  }),
  /** A credential: who may sign for a corporation. */
  'corporate-seal': numbered(3, {
    /** (62) */
    corporateName: name(),
    /** (64) */
    address: address(),
    /** (66) */
    taxpayerId: name(),
    /** (68) */
    expiresDay: dayShape(),
  }),
  /** A credential: a credit or debit card, bound to the agent that holds it. */
  card: numbered(4, {
    brand: name(),
    scheme: oneOf('credit', 'debit'),
    number: text({ min: 8, max: 19 }),
    holder: name(),
    expiresDay: dayShape(),
  }),
  /** A credential: in whose name a merchant's agent sells. */
  merchant: numbered(5, { name: name(), address: optional(address()), expiresDay: dayShape() }),
  /** A credential: in whose name an authority's agent issues, and what. */
  authority: numbered(6, { name: name(), issues: words(), expiresDay: dayShape() }),
  /** Airline, rail, bus. */
  transportation: numbered(7, {
    /** (72) */
    carrier: name(),
    /** (74) */
    tripNumber: name(),
    /** (76) */
    departureAt: second(),
    /** (76) */
    departurePlace: name(),
    /** (78) */
    arrivalAt: second(),
    /** (78) */
    arrivalPlace: name(),
    /** (80) */
    price: amountShape(),
    /** (82) */
    purchasedOnDay: dayShape(),
  }),
  /** Theatre, concert, play, sport. */
  event: numbered(8, {
    /** (88) */
    event: name(),
    /** (90) */
    location: name(),
    /** (92) */
    at: second(),
    /** (94) */
    seat: name(),
    /** (96) */
    price: amountShape(),
    /** (98) */
    purchasedOnDay: dayShape(),
  }),
  /** Satellite, cable, radio, telephone. */
  communications: numbered(9, {
    /** (104) */
    carrier: name(),
    /** (106) Seconds; what is left of them is in the status. */
    timePurchased: whole({ min: 1, max: 0xffff_ffff }),
    /** (108) */
    channel: name(),
    /** (110) */
    price: amountShape(),
    /** (112) */
    purchasedOnDay: dayShape(),
    /** (114) */
    decryptionKeys: list(key(), { max: 16 }),
  }),
  /** Physical objects: the customer's order. */
  'purchase-order': numbered(10, {
    reference: name(),
    day: dayShape(),
    customer: name(),
    items: list(itemShape, { min: 1, max: 200 }),
    instructions: words(),
    /** Absent: on invoice. `on-delivery`: against a receipt when the goods are handed over. */
    payment: optional(oneOf('on-invoice', 'on-delivery')),
  }),
  /** Physical objects: the vendor's invoice. */
  invoice: numbered(11, {
    number: name(),
    day: dayShape(),
    orderReferences: references(1),
    vendor: name(),
    amount: amountShape(),
  }),
  /** Physical objects: what a payment is for. */
  'remittance-advice': numbered(12, {
    invoiceReferences: references(1),
    customer: name(),
    day: dayShape(),
    amountPaid: amountShape(),
  }),
  /** Physical objects: that it was paid; for items or for invoices. */
  receipt: numbered(13, {
    day: dayShape(),
    vendor: name(),
    identifier: name(),
    items: list(itemShape, { max: 200 }),
    invoiceReferences: references(0),
    amountPaid: amountShape(),
    /** For what was paid on delivery, without an invoice. */
    orderReferences: optional(references(1)),
  }),
  /** A credential of which its holder shows as many fields as it likes: they stand in it as digests (`../credential/disclosure.ts`). */
  attestation: numbered(30, {
    /** What it is: `driver's licence`. */
    title: name(),
    /** Of the fields, in order of their bytes, so that their places tell nothing. */
    digests: list(digest(), { min: 1, max: maxClaims }),
    /** (56) */
    expiresDay: dayShape(),
  }),
};

export type Components = ChoiceOf<typeof kinds>;
export type TicketType = Components['type'];
export const componentsShape: Shape<Components> = choice(kinds);

export type TicketKind =
  | 'decryption'
  | 'credential'
  | 'transportation'
  | 'event'
  | 'communications'
  | 'physical-object';

/** Which of the six kinds of the text a ticket is. */
export function kindOf(type: TicketType): TicketKind {
  switch (type) {
    case 'licence':
    case 'corporate-seal':
    case 'card':
    case 'merchant':
    case 'authority':
    case 'attestation':
      return 'credential';
    case 'purchase-order':
    case 'invoice':
    case 'remittance-advice':
    case 'receipt':
      return 'physical-object';
    default:
      return type;
  }
}

/** The last day on which a credential is good; undefined for what does not expire by itself. */
export function expiryOf(components: Components): number | undefined {
  return 'expiresDay' in components ? components.expiresDay : undefined;
}

/** How much a ticket is worth when it is issued: seconds, or one admission; undefined for what is not used up. */
export function unitsOf(components: Components): number | undefined {
  if (components.type === 'communications') return components.timePurchased;
  return components.type === 'event' || components.type === 'transportation' ? 1 : undefined;
}

/** Whether it opens something or pays for itself: such components are shown to nobody but agents. */
export function holdsSecrets(components: Components): boolean {
  if (components.type === 'communications') return components.decryptionKeys.length > 0;
  return components.type === 'decryption' || components.type === 'card';
}
