/** Response codes of ISO 8583:1987 data element 39 as this network uses them. */

export const RESPONSE_CODES = {
  approved: '00',
  invalidMerchant: '03',
  /** The issuer's one answer to a card it will not charge, whatever the reason: the asker must not learn which rule spoke. */
  doNotHonour: '05',
  invalidTransaction: '12',
  invalidAmount: '13',
  noSuchIssuer: '15',
  recordNotFound: '25',
  formatError: '30',
  /** Only where the expiry date in the request itself is past, which the asker could see. */
  expiredCard: '54',
  /** Nobody answered for the issuer. The outcome is unknown, so whoever made this answer also reverses. */
  issuerInoperative: '91',
  duplicateTransmission: '94',
  reconcileError: '95',
  systemMalfunction: '96',
} as const;
