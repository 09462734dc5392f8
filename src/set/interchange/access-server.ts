/**
 * The access server of an operator: where its hosts enter the interchange network. It routes requests to issuers, by the
 * leading digits of the card number or by the issuer's institution number, to the operator's own issuer host or to the
 * access server of another operator. It keeps nothing: whoever asks repeats, whoever holds money decides.
 */
import { HandselError } from '../../handsel-error.ts';
import type { Log } from '../../transport/log.ts';
import type { CardRequest } from '../message/card-message.ts';
import { encodeCardResponse, readCardRequest, responseTo } from '../message/card-message-codec.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import type { Iso8583Exchange } from './tcp-link.ts';
import type { Iso8583Handler } from './tcp-server.ts';

export interface IssuerRoute {
  /** Leading digits of the issuer's cards: the longest that fits decides. */
  readonly prefix: string;
  /** The issuer's institution number, for reconciliation. */
  readonly issuerId: string;
  readonly link: Iso8583Exchange;
}

export interface AccessServerOptions {
  readonly routes: readonly IssuerRoute[];
  /** Acquirers that may ask through here; default any. */
  readonly acquirers?: ReadonlySet<string>;
  readonly log: Log;
}

/**
 * What an issuer does not answer stays unanswered: the acquirer's outbox repeats the same bytes, so that an issuer that
 * starts again meanwhile goes on with the payment. Only the acquirer, who can reverse it, says when that has taken too long.
 */
export function createAccessServer({ routes, acquirers, log }: AccessServerOptions): Iso8583Handler {
  return async ({ bytes, message }) => {
    const request = readCardRequest(message);
    const refuse = (code: string) => encodeCardResponse(responseTo(request, code));
    if (request.type === 'test') return refuse(RESPONSE_CODES.approved);
    if (acquirers !== undefined && !acquirers.has(request.acquirerId)) return refuse(RESPONSE_CODES.invalidTransaction);
    const route = routeOf(routes, request);
    if (route === undefined) return refuse(RESPONSE_CODES.noSuchIssuer);
    try {
      return await route.link.send(bytes);
    } catch (err) {
      if (!(err instanceof HandselError)) throw err;
      const { type, stan, acquirerId } = request;
      log.warn({ type, stan, acquirerId, issuerId: route.issuerId, err }, 'an issuer does not answer');
      return undefined;
    }
  };
}

/** The route with the longest prefix of the card number, or the first one to the issuer with whom to settle. */
export function routeOf<T extends { readonly prefix: string; readonly issuerId: string }>(
  routes: readonly T[],
  request: Exclude<CardRequest, { type: 'test' }>,
): T | undefined {
  if (request.type === 'reconcile') return routes.find(({ issuerId }) => issuerId === request.issuerId);
  return routes
    .filter(({ prefix }) => request.pan.startsWith(prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0];
}
