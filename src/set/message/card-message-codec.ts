/** Card messages to ISO 8583 bytes and back; the field of each member is stated in `card-message.ts`. */
import { type Amount, amountOf, amountParts } from '../../money/amount.ts';
import type {
  CardRequest,
  CardResponse,
  CardTransaction,
  OriginalMessage,
  Reconciliation,
  SettlementTotals,
} from './card-message.ts';
import { type FieldReader, readerOf } from './card-message-reader.ts';
import { Iso8583Error } from './iso8583-field.ts';
import { decodeIso8583, encodeIso8583, type Iso8583Message } from './iso8583-message.ts';

const REQUEST_MTI = {
  authorise: '0100',
  purchase: '0200',
  capture: '0220',
  credit: '0220',
  reverse: '0420',
  reconcile: '0500',
  test: '0800',
} as const satisfies Record<CardRequest['type'], string>;

/** Of the two that are 0220, field 3 says which. */
const TYPE_OF_REQUEST = new Map(
  Object.entries(REQUEST_MTI)
    .filter(([type]) => type !== 'credit')
    .map(([type, mti]) => [mti as string, type as CardRequest['type']]),
);
const TYPE_OF_RESPONSE = new Map([...TYPE_OF_REQUEST].map(([mti, type]) => [answerMti(mti), type]));

const GOODS_AND_SERVICES = '000000';
const RETURNS = '200000';
/** Point of service 81, electronic commerce, no PIN; condition 59, the same. */
const ENTRY_MODE = '810';
const CONDITION = '59';
const NETWORK_TEST = '301';
/** The largest amount that field 4 holds. */
export const MAX_FIELD_MINOR = 999_999_999_999n;
const NO_INSTITUTION = '0'.repeat(11);
const IN_BALANCE = '1';
const OUT_OF_BALANCE = '2';

type Fields = Map<number, string | Uint8Array>;

/** @throws Iso8583Error when a member does not fit its field; MoneyError on an unknown currency. */
export function encodeCardRequest(request: CardRequest): Uint8Array {
  const fields: Fields = new Map();
  fields.set(7, request.transmittedAt).set(11, digits(request.stan, 6));
  if (request.type === 'test') fields.set(70, NETWORK_TEST);
  else if (request.type === 'reconcile') putReconciliation(fields, request);
  else putTransaction(fields, request);
  if ('original' in request) {
    fields.set(90, originalElements(request.original, request.acquirerId));
    if (request.type !== 'credit' && request.approvalCode !== undefined) fields.set(38, request.approvalCode);
  }
  return encodeIso8583({ mti: REQUEST_MTI[request.type], fields });
}

/** @throws Iso8583Error `ISO8583_UNSUPPORTED` for a message type or processing we do not do, else as `decodeIso8583`. */
export function decodeCardRequest(bytes: Uint8Array): CardRequest {
  return readCardRequest(decodeIso8583(bytes));
}

/** As `decodeCardRequest`, from a message taken apart already. */
export function readCardRequest(message: Iso8583Message): CardRequest {
  const type = typeIn(TYPE_OF_REQUEST, message);
  if (type === undefined)
    throw new Iso8583Error('ISO8583_UNSUPPORTED', `message type ${message.mti} is not a request we know`);
  const reader = readerOf(message);
  const transmission = { transmittedAt: reader.time(7), stan: reader.stan(11) };
  if (type === 'test') {
    reader.expect(70, NETWORK_TEST);
    return { type, ...transmission };
  }
  if (type === 'reconcile') return { type, ...transmission, ...getReconciliation(reader) };
  const transaction = { ...transmission, ...getTransaction(reader, type) };
  if (type === 'authorise' || type === 'purchase') return { type, ...transaction };
  const original = readOriginal(reader.text(90), transaction.acquirerId);
  if (type === 'credit') return { type, ...transaction, original };
  const approvalCode = reader.optional(38);
  return { type, ...transaction, original, ...(approvalCode === undefined ? {} : { approvalCode }) };
}

/** Which of the types that share a message type is meant. */
function typeIn(types: ReadonlyMap<string, CardRequest['type']>, { mti, fields }: Iso8583Message) {
  const type = types.get(mti);
  return type === 'capture' && fields.get(3) === RETURNS ? 'credit' : type;
}

/** @throws Iso8583Error as `encodeCardRequest`. */
export function encodeCardResponse(response: CardResponse): Uint8Array {
  const fields: Fields = new Map();
  fields.set(7, response.transmittedAt).set(11, digits(response.stan, 6)).set(39, response.responseCode);
  if (response.type === 'credit') fields.set(3, RETURNS);
  if (response.acquirerId !== undefined) fields.set(32, response.acquirerId);
  if (response.retrievalReference !== undefined) fields.set(37, response.retrievalReference);
  if (response.approvalCode !== undefined) fields.set(38, response.approvalCode);
  if (response.terminalId !== undefined) fields.set(41, response.terminalId.padEnd(8));
  if (response.merchantId !== undefined) fields.set(42, response.merchantId.padEnd(15));
  if (response.amount !== undefined) putAmount(fields, response.amount);
  if (response.batch !== undefined) fields.set(60, String(response.batch));
  if (response.type === 'reconcile') fields.set(66, response.responseCode === '00' ? IN_BALANCE : OUT_OF_BALANCE);
  if (response.type === 'test') fields.set(70, NETWORK_TEST);
  return encodeIso8583({ mti: answerMti(REQUEST_MTI[response.type]), fields });
}

/** @throws Iso8583Error as `decodeCardRequest`. */
export function decodeCardResponse(bytes: Uint8Array): CardResponse {
  const message = decodeIso8583(bytes);
  const type = typeIn(TYPE_OF_RESPONSE, message);
  if (type === undefined)
    throw new Iso8583Error('ISO8583_UNSUPPORTED', `message type ${message.mti} is not an answer we know`);
  const reader = readerOf(message);
  const optional = {
    acquirerId: reader.optional(32),
    retrievalReference: reader.optional(37),
    approvalCode: reader.optional(38),
    terminalId: reader.optional(41)?.trimEnd(),
    merchantId: reader.optional(42)?.trimEnd(),
    amount: reader.optional(4) === undefined ? undefined : reader.amount(),
    batch: reader.optional(60) === undefined ? undefined : reader.batch(),
  };
  const present = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { type, transmittedAt: reader.time(7), stan: reader.stan(11), responseCode: reader.text(39), ...present };
}

/** The answer to a request: its identity, amount and batch repeated, with the outcome. */
export function responseTo(request: CardRequest, responseCode: string, approvalCode?: string): CardResponse {
  const { type, transmittedAt, stan } = request;
  const approval = approvalCode === undefined ? {} : { approvalCode };
  if (type === 'test') return { type, transmittedAt, stan, responseCode };
  const batch = request.batch === undefined ? {} : { batch: request.batch };
  const own = { type, transmittedAt, stan, responseCode, acquirerId: request.acquirerId, ...batch, ...approval };
  if (type === 'reconcile') return own;
  const { retrievalReference, terminalId, merchantId, amount } = request;
  return { ...own, retrievalReference, terminalId, merchantId, amount };
}

/** `0100` → `0110`, `0420` → `0430`. */
export function answerMti(mti: string): string {
  return `${mti.slice(0, 2)}${Number(mti[2]) + 1}${mti[3]}`;
}

function putTransaction(fields: Fields, transaction: CardTransaction & Pick<CardRequest, 'type'>): void {
  fields.set(2, transaction.pan).set(3, processingOf(transaction.type)).set(14, transaction.expiry);
  fields.set(22, ENTRY_MODE).set(25, CONDITION).set(32, transaction.acquirerId);
  fields.set(37, transaction.retrievalReference);
  fields.set(41, transaction.terminalId.padEnd(8)).set(42, transaction.merchantId.padEnd(15));
  putAmount(fields, transaction.amount);
  if (transaction.batch !== undefined) fields.set(60, String(transaction.batch));
}

const processingOf = (type: CardRequest['type']) => (type === 'credit' ? RETURNS : GOODS_AND_SERVICES);

function putAmount(fields: Fields, amount: Amount): void {
  if (amount.minor < 0n || amount.minor > MAX_FIELD_MINOR) {
    throw new Iso8583Error('ISO8583_FIELD_INVALID', 'the amount does not fit field 4', 4);
  }
  fields.set(4, digits(amount.minor, 12)).set(49, digits(amountParts(amount).numeric, 3));
}

function putReconciliation(fields: Fields, { acquirerId, issuerId, batch, totals }: Reconciliation): void {
  const net = netOf(totals);
  fields.set(32, acquirerId).set(50, digits(amountParts(amountOf(totals.currency, 0n)).numeric, 3));
  fields.set(60, String(batch)).set(76, digits(totals.debitCount, 10)).set(77, digits(totals.reversalCount, 10));
  fields.set(74, digits(totals.creditCount, 10)).set(86, digits(totals.creditMinor, 16));
  fields.set(88, digits(totals.debitMinor, 16)).set(89, digits(totals.reversalMinor, 16));
  fields.set(97, `${net < 0n ? 'C' : 'D'}${digits(net < 0n ? -net : net, 16)}`).set(99, issuerId);
}

/** What the issuer owes the acquirer, or less than nothing. */
const netOf = ({ debitMinor, reversalMinor, creditMinor }: SettlementTotals) =>
  debitMinor - reversalMinor - creditMinor;

function getTransaction(
  reader: FieldReader,
  type: CardRequest['type'],
): Omit<CardTransaction, 'transmittedAt' | 'stan'> {
  reader.expect(3, processingOf(type));
  const amount = reader.amount();
  if (amount.minor === 0n) throw new Iso8583Error('ISO8583_FIELD_INVALID', 'the amount is zero', 4);
  return {
    pan: reader.matching(2, /^[0-9]{12,19}$/),
    expiry: reader.matching(14, /^[0-9]{2}(0[1-9]|1[0-2])$/),
    acquirerId: reader.matching(32, /^[0-9]+$/),
    retrievalReference: reader.matching(37, /^[A-Za-z0-9]{12}$/),
    terminalId: reader.matching(41, /\S/).trimEnd(),
    merchantId: reader.matching(42, /\S/).trimEnd(),
    amount,
    ...(reader.optional(60) === undefined ? {} : { batch: reader.batch() }),
  };
}

function getReconciliation(reader: FieldReader): Omit<Reconciliation, 'type' | 'transmittedAt' | 'stan'> {
  const totals = {
    currency: reader.currency(50),
    debitCount: Number(reader.text(76)),
    debitMinor: BigInt(reader.text(88)),
    reversalCount: Number(reader.text(77)),
    reversalMinor: BigInt(reader.text(89)),
    creditCount: Number(reader.text(74)),
    creditMinor: BigInt(reader.text(86)),
  };
  const net = netOf(totals);
  reader.expect(97, `${net < 0n ? 'C' : 'D'}${digits(net < 0n ? -net : net, 16)}`);
  const acquirerId = reader.matching(32, /^[0-9]+$/);
  return { acquirerId, issuerId: reader.matching(99, /^[0-9]+$/), batch: reader.batch(), totals };
}

/** Field 90: type, trace number and time of the original, then the acquiring and (none here) forwarding institutions. */
function originalElements(original: OriginalMessage, acquirerId: string): string {
  const own = `${REQUEST_MTI[original.type]}${digits(original.stan, 6)}${original.transmittedAt}`;
  return `${own}${acquirerId.padStart(11, '0')}${NO_INSTITUTION}`;
}

function readOriginal(text: string, acquirerId: string): OriginalMessage {
  const type = TYPE_OF_REQUEST.get(text.slice(0, 4));
  const stan = Number(text.slice(4, 10));
  if (
    (type !== 'authorise' && type !== 'purchase') ||
    stan === 0 ||
    text.slice(20, 31) !== acquirerId.padStart(11, '0')
  ) {
    throw new Iso8583Error('ISO8583_FIELD_INVALID', 'field 90 does not name a request of this acquirer', 90);
  }
  return { type, stan, transmittedAt: text.slice(10, 20) };
}

function digits(value: number | bigint, length: number): string {
  return String(value).padStart(length, '0');
}
