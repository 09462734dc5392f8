/**
 * What a program of one's own imports from `handsel`: a till that charges for its routes, and a purse that pays for what it asks
 * (docs/deposits.md, "Charging for a route of your own").
 */
export type { ChargedRequest, ChargeOptions, Payment } from '../deposit/merchant-http/charge-terms.ts';
export type { ChargedStream } from '../deposit/merchant-http/charged-stream.ts';
export type { PaidVariables } from '../deposit/merchant-http/hono-charge.ts';
export type { PaidIncoming } from '../deposit/merchant-http/node-charge.ts';
export { HandselError } from '../handsel-error.ts';
export { type OpenTill, openTill, type TillCharge, type TillOptions } from '../party/merchant/open-till.ts';
export { type OpenPurse, openPurse, type PurseOptions } from '../party/purse/open-purse.ts';
