/**
 * Object identifiers of SET's content types, version 2 (notes on SET, "id-set OID arc", and fix 15: new suite, new identifiers).
 * The last arc keeps the number SET 1.0 gives the content under 2.23.42.0; the arc above it is another one, so that a peer
 * of version 1 can never take a message or a digest of this suite for one of its own.
 */

/** Under the enterprise number that RFC 5612 keeps for examples: an operator of a brand replaces it by a registered one. */
const ARC = '1.3.6.1.4.1.32473.2342.2';
const CONTENT = `${ARC}.0`;

export const contentTypes = {
  panData: `${CONTENT}.0`,
  oiData: `${CONTENT}.3`,
  pi: `${CONTENT}.4`,
  piData: `${CONTENT}.5`,
  hodInput: `${CONTENT}.7`,
  authResBaggage: `${CONTENT}.8`,
  authRevReqBaggage: `${CONTENT}.9`,
  authRevResBaggage: `${CONTENT}.10`,
  pInitResData: `${CONTENT}.12`,
  piTbs: `${CONTENT}.13`,
  pResData: `${CONTENT}.14`,
  authReqTbs: `${CONTENT}.16`,
  authResTbs: `${CONTENT}.17`,
  capTokenTbs: `${CONTENT}.21`,
  authRevReqTbs: `${CONTENT}.23`,
  authRevResTbs: `${CONTENT}.25`,
  errorTbs: `${CONTENT}.49`,
  piDualSignedTbe: `${CONTENT}.50`,
  authReqTbe: `${CONTENT}.52`,
  authResTbe: `${CONTENT}.53`,
  capTokenTbe: `${CONTENT}.56`,
  authRevReqTbe: `${CONTENT}.59`,
  authRevResTbe: `${CONTENT}.61`,
  /** SET 1.0 has no numbers for these three: they begin at 100. */
  orderDescription: `${CONTENT}.100`,
  inqReqData: `${CONTENT}.101`,
  request: `${CONTENT}.102`,
} as const;

export type ContentTypeName = keyof typeof contentTypes;
export type ContentType = (typeof contentTypes)[ContentTypeName];

/** Signed and authenticated attributes of this suite. */
export const attributeTypes = {
  /** Who a signature or a sealed text is meant for, in which direction and as what message (fix 3). */
  binding: `${ARC}.3.1`,
} as const;
