/**
 * Opening a deposit (US 09/718,411, claims 1 and 3 to 9): customer → account manager → acquirer → merchant, and the acknowledgements
 * back. Customers and operators sign with their communication keys; who is asking is what the certificate of the connection says.
 */
import { minorUnits, optional, record, type Shaped, text, timeMs, whole } from '../../codec/shape.ts';
import type { MessageType } from '../../crypto/signed-message.ts';
import { partyName, sessionIdentity, transactionIdentity } from './identity.ts';
import { currencyCode, rateTable, sessionRate } from './session-rate.ts';
import { temporaryCertificate, temporaryKey } from './temporary-certificate.ts';

const url = text({ min: 1, max: 500 });
const MAX_IDLE_MS = 30 * 86_400_000;

export const money = record({ currency: currencyCode, minor: minorUnits() });

/** Customer → account manager: "the customer agent informs about a purchase". With a session: another transaction in it. */
const logOnShape = record({
  /** The customer's own number for this request: a repeat gets the same identities. */
  reference: text({ min: 1, max: 64 }),
  merchant: partyName,
  session: optional(sessionIdentity),
  atMs: timeMs(),
});
export type LogOn = Shaped<typeof logOnShape>;
export const logOnType: MessageType<LogOn> = { name: 'deposit-log-on', shape: logOnShape, maxBytes: 8192 };

/** The answer: account data, identities and the bank's rate table. */
const loggedOnShape = record({
  session: sessionIdentity,
  transaction: transactionIdentity,
  /** What may still be set aside: balance and credit less holds. */
  available: money,
  rates: rateTable,
});
export type LoggedOn = Shaped<typeof loggedOnShape>;
export const loggedOnType: MessageType<LoggedOn> = {
  name: 'deposit-logged-on',
  shape: loggedOnShape,
  maxBytes: 40_000,
};

/** Customer → account manager (claim 3). */
const initiationShape = record({
  transaction: transactionIdentity,
  /** In the currency of the customer's account. */
  deposit: money,
  merchant: partyName,
  /** "for locating a proper mediating trusted agent" */
  merchantOperator: partyName,
  merchantCurrency: currencyCode,
  /** The key made for this transaction. */
  key: temporaryKey,
  /** The order information: what the first purchase costs, in units of `unitNano` of the merchant's currency. */
  order: record({ units: whole(), unitNano: whole({ min: 1, max: 1_000_000_000_000 }) }),
  /** The deposit is concluded when nothing was bought for so long. */
  idleMs: whole({ min: 1000, max: MAX_IDLE_MS }),
  /** And at this time at the latest. */
  endsAtMs: timeMs(),
});
export type Initiation = Shaped<typeof initiationShape>;
export const initiationType: MessageType<Initiation> = {
  name: 'deposit-initiation',
  shape: initiationShape,
  maxBytes: 8192,
};

/** Account manager → acquirer (claim 4): the customer vouched for, under an identifier of this transaction only. */
const amendedInitiationShape = record({
  transaction: transactionIdentity,
  /** Fresh for every session: 16 random bytes in hexadecimal. */
  customer: text({ min: 32, max: 32 }),
  deposit: money,
  merchant: partyName,
  /** Who is asked: what one acquirer was sent opens nothing at another who knows a merchant of that name, too. */
  merchantOperator: partyName,
  merchantCurrency: currencyCode,
  /** The rate of the customer's own bank, where its table has the pair (ERI-B). */
  rate: optional(sessionRate),
  /** The voucher: the operator answers for the deposit of whoever holds this key (claim 9). */
  certificate: temporaryCertificate,
  idleMs: whole({ min: 1000, max: MAX_IDLE_MS }),
  endsAtMs: timeMs(),
});
export type AmendedInitiation = Shaped<typeof amendedInitiationShape>;
export const amendedInitiationType: MessageType<AmendedInitiation> = {
  name: 'deposit-amended-initiation',
  shape: amendedInitiationShape,
  maxBytes: 16_384,
};

/** Acquirer → merchant (claim 5). */
const informationShape = record({
  transaction: transactionIdentity,
  /** To whom it is guaranteed: what one merchant was told means nothing to another of the same operator. */
  merchant: partyName,
  customer: text({ min: 32, max: 32 }),
  /** In the merchant's currency: guaranteed. */
  deposit: money,
  /** The customer's key under the merchant's own operator's signature. */
  certificate: temporaryCertificate,
  idleMs: whole({ min: 1000, max: MAX_IDLE_MS }),
  endsAtMs: timeMs(),
});
export type Information = Shaped<typeof informationShape>;
export const informationType: MessageType<Information> = {
  name: 'deposit-information',
  shape: informationShape,
  maxBytes: 16_384,
};

/** Merchant → acquirer (claim 6), the answer to the information. */
const acknowledgementShape = record({
  transaction: transactionIdentity,
  /** The merchant's key for this transaction, to be certified the other way. */
  key: temporaryKey,
  /** Where the purchases are made. */
  url,
});
export type Acknowledgement = Shaped<typeof acknowledgementShape>;
export const acknowledgementType: MessageType<Acknowledgement> = {
  name: 'deposit-acknowledgement',
  shape: acknowledgementShape,
  maxBytes: 4096,
};

/** Acquirer → account manager (claims 7 and 8), the answer to the amended initiation. */
const operatorAcknowledgementShape = record({
  transaction: transactionIdentity,
  rate: sessionRate,
  deposit: money,
  /** The merchant's key under the acquirer's signature. */
  certificate: temporaryCertificate,
  url,
});
export type OperatorAcknowledgement = Shaped<typeof operatorAcknowledgementShape>;
export const operatorAcknowledgementType: MessageType<OperatorAcknowledgement> = {
  name: 'deposit-operator-acknowledgement',
  shape: operatorAcknowledgementShape,
  maxBytes: 16_384,
};

/** Account manager → customer: the answer to the initiation, when all have acknowledged (claim 8). */
const openedShape = record({
  transaction: transactionIdentity,
  rate: sessionRate,
  /** In the merchant's currency: what may be spent. */
  deposit: money,
  /** The merchant's key under the customer's own operator's signature. */
  certificate: temporaryCertificate,
  url,
  available: money,
});
export type Opened = Shaped<typeof openedShape>;
export const openedType: MessageType<Opened> = { name: 'deposit-opened', shape: openedShape, maxBytes: 16_384 };

/** Instead of the acknowledgement or of `opened`: an answer is bytes, and whoever waits for one is told why there will be none. */
const refusedShape = record({
  transaction: transactionIdentity,
  /** As the code of an error. */
  code: text({ min: 1, max: 64 }),
  detail: text({ max: 200 }),
});
export type DepositRefused = Shaped<typeof refusedShape>;
export const depositRefusedType: MessageType<DepositRefused> = {
  name: 'deposit-refused',
  shape: refusedShape,
  maxBytes: 8192,
};
