/** One ticket's components of each type, with every field filled in as it might be. */
import type { Components } from '../../../src/trusted/ticket/components.ts';
import { TODAY } from '../hierarchy.ts';

const eur = (minor: bigint) => ({ currency: 'EUR', minor });
const evening = TODAY * 86_400 + 70_200;
const items = [
  { description: 'Drill, 18 V', quantity: 2, price: eur(12_900n) },
  { description: 'Oak board 200 × 20 cm', quantity: 12, price: eur(1_850n) },
];

export const samples: readonly Components[] = [
  {
    type: 'decryption',
    objectId: 'urn:isan:0000-0000-3A8D-0000-Z-0000-0000-6',
    description: 'Metropolis, by Fritz Lang, 1927',
    decryptionKey: new Uint8Array(32).fill(5),
    price: eur(499n),
    purchasedOnDay: TODAY,
    objectSignature: new Uint8Array(64).fill(6),
    usage: 'At home, on up to three devices of one household',
  },
  {
    type: 'licence',
    title: "driver's licence",
    name: 'Ada Nyström',
    address: 'Västra Hamngatan 3, 411 17 Göteborg',
    picture: new Uint8Array(900).fill(7),
    physicalDescription: '172 cm, brown eyes',
    signature: new Uint8Array(300).fill(8),
    expiresDay: TODAY + 1500,
  },
  {
    type: 'corporate-seal',
    corporateName: 'Hansen & Søn ApS',
    address: 'Havnegade 1, 1058 København',
    taxpayerId: 'DK-24256790',
    expiresDay: TODAY + 400,
  },
  {
    type: 'card',
    scheme: 'credit',
    brand: 'Visa',
    number: '4000000000000002',
    holder: 'A NYSTROM',
    expiresDay: TODAY + 700,
  },
  {
    type: 'merchant',
    name: 'Deutsche Oper Berlin',
    address: 'Bismarckstraße 35, 10627 Berlin',
    expiresDay: TODAY + 300,
  },
  { type: 'authority', name: 'Vägverket', issues: "driver's licences", expiresDay: TODAY + 300 },
  {
    type: 'transportation',
    carrier: 'Österreichische Bundesbahnen',
    tripNumber: 'RJX 162',
    departureAt: evening,
    departurePlace: 'Wien Hauptbahnhof',
    arrivalAt: evening + 27_480,
    arrivalPlace: 'Zürich HB',
    price: eur(8_990n),
    purchasedOnDay: TODAY,
  },
  {
    type: 'event',
    event: 'Die Zauberflöte',
    location: 'Deutsche Oper, Bismarckstraße 35, Berlin',
    at: evening,
    seat: 'Parkett links, Reihe 12, Platz 7',
    price: eur(8_900n),
    purchasedOnDay: TODAY,
  },
  {
    type: 'communications',
    carrier: 'Telia',
    timePurchased: 3600,
    channel: '2.4 GHz, channel 11',
    price: { currency: 'JPY', minor: 500n },
    purchasedOnDay: TODAY,
    decryptionKeys: [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)],
  },
  {
    type: 'purchase-order',
    reference: 'PO-2026-0001',
    day: TODAY,
    customer: 'Hansen & Søn ApS',
    items,
    instructions: 'Deliver to the back door before noon',
  },
  {
    type: 'invoice',
    number: 'I-77',
    day: TODAY,
    orderReferences: ['PO-2026-0001'],
    vendor: 'Holz Müller',
    amount: eur(48_000n),
  },
  {
    type: 'remittance-advice',
    invoiceReferences: ['I-77'],
    customer: 'Hansen & Søn ApS',
    day: TODAY,
    amountPaid: eur(48_000n),
  },
  {
    type: 'receipt',
    day: TODAY,
    vendor: 'Holz Müller',
    identifier: 'R-1',
    items,
    invoiceReferences: ['I-77'],
    amountPaid: eur(48_000n),
  },
];

export function sample<T extends Components['type']>(type: T): Extract<Components, { type: T }> {
  return samples.find((components) => components.type === type) as Extract<Components, { type: T }>;
}
