/**
 * The discovery document (draft-payment-discovery-00): an OpenAPI document, served as `GET /openapi.json`, that says of each operation
 * what it costs. It is advice: the challenge is what counts.
 */
import { DEPOSIT_METHOD, SESSION_INTENT } from '../message/payment-offer.ts';
import type { Gate } from './charge-terms.ts';

export const DISCOVERY_PATH = '/openapi.json';
type HttpMethod = 'get' | 'put' | 'post' | 'delete' | 'head' | 'patch';

export interface DescribedOperation {
  readonly path: `/${string}`;
  readonly method: HttpMethod;
  /** Absent for a free operation. */
  readonly gate?: Gate;
  readonly summary?: string;
  /** As OpenAPI describes it. */
  readonly requestBody?: Readonly<Record<string, unknown>>;
}

export interface DescribedService {
  readonly title: string;
  readonly version: string;
  readonly categories?: readonly string[];
  readonly docs?: { readonly apiReference?: string; readonly homepage?: string; readonly llms?: string };
  readonly operations: readonly DescribedOperation[];
}

/** The document as a value; every operation stands once. */
function describeService({ title, version, categories, docs, operations }: DescribedService) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const item = paths[operation.path] ?? {};
    item[operation.method] = describeOperation(operation);
    paths[operation.path] = item;
  }
  const service = { ...(categories && { categories }), ...(docs && { docs }) };
  return {
    openapi: '3.1.0',
    info: { title, version },
    ...(Object.keys(service).length === 0 ? {} : { 'x-service-info': service }),
    paths,
  };
}

/** What is served at `DISCOVERY_PATH`; the draft recommends five minutes for what changes rarely. */
export function discoveryAnswer(service: DescribedService) {
  const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=300' };
  return { headers, body: JSON.stringify(describeService(service)) };
}

function describeOperation({ gate, summary, requestBody }: DescribedOperation) {
  const succeeded = { '200': { description: 'Successful response' } };
  const described = { ...(summary && { summary }), ...(requestBody && { requestBody }) };
  if (gate === undefined) return { ...described, responses: succeeded };
  return {
    ...described,
    'x-payment-info': { offers: [offerOf(gate)] },
    responses: { ...succeeded, '402': { description: 'Payment Required' } },
  };
}

function offerOf({ offered: { price, currency, description } }: Gate) {
  return {
    intent: SESSION_INTENT,
    method: DEPOSIT_METHOD,
    amount: price === undefined ? null : price.nano.toString(),
    currency: currency.toLowerCase(),
    ...(description === undefined ? {} : { description }),
  };
}
