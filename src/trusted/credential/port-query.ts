/**
 * What an authority's agent asks of its own server (`port:authority`) before a transaction, and what that answers. The server does its part
 * provisionally when it is asked, and is told `port-commit` or `port-abort` with the number of the transaction later on; either may come
 * before the question does, or without one, and any of them more than once.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { type ChoiceOf, choice, numbered, row } from '../../codec/row-shape.ts';
import { list, oneOf, optional, type Shape, text } from '../../codec/shape.ts';
import { agentIdShape } from '../message/agent-id.ts';
import { amountShape } from '../message/amount-shape.ts';
import { agentKinds } from '../message/certificate.ts';
import { maxEvidence, visitCodeShape, wantedShape } from '../message/credential-talk.ts';
import { dayShape } from '../message/day.ts';
import { listedStandings } from '../message/standing-list.ts';
import { componentsShape } from '../ticket/components.ts';
import { type Claim, claimShape, claimsShape } from './claim.ts';

/** The identification authority's server (figure 5, 204) and its data base. */
export const AUTHORITY_PORT = 'authority';
const transaction = () => text({ min: 32, max: 32 });
const ticketId = () => text({ min: 32, max: 32 });

/** A credential that the applicant showed, which the agent has found to be valid. */
const evidenceShape = row({
  ticketId: ticketId(),
  issuer: agentIdShape(),
  issuerName: text({ max: 120 }),
  /** `licence`, or the title of an attestation. */
  what: text({ max: 120 }),
  claims: claimsShape(),
});

const queries = {
  /** Whether this applicant may have that credential, and what is in it (figure 26, steps 908 to 910). */
  acquire: numbered(1, {
    transaction: transaction(),
    applicant: agentIdShape(),
    kind: oneOf(...agentKinds),
    wanted: wantedShape(),
    code: optional(visitCodeShape()),
    evidence: list(evidenceShape, { max: maxEvidence }),
  }),
  /** Whether this credential of the authority may be revalidated remotely (figure 28, steps 980 to 984). */
  revalidate: numbered(2, {
    transaction: transaction(),
    applicant: agentIdShape(),
    ticketId: ticketId(),
    expiresDay: dayShape(),
  }),
};
export type AuthorityQuery = ChoiceOf<typeof queries>;

const credentials = {
  /** Its fields stand in the open. */
  open: numbered(1, { components: componentsShape }),
  attested: numbered(2, {
    title: text({ min: 1, max: 120 }),
    expiresDay: dayShape(),
    claims: list<Claim>(claimShape, { min: 1, max: 60 }),
  }),
};
/** What the authority would issue. */
export type GrantedCredential = ChoiceOf<typeof credentials>;

export const refusals = ['identity', 'record', 'issued', 'early', 'wanted', 'busy'] as const;
/**
 * `identity`: not shown, or not that of anybody here (a code that nobody was given included). `record`: the data base forbids it. `issued`: a
 * credential that is still good was issued. `early`: it is not near its end. `wanted`: nothing of that name is issued here. `busy`: another
 * application for the same is under way.
 */
export type Refusal = (typeof refusals)[number];

const rulings = {
  grant: numbered(1, {
    credential: choice(credentials),
    price: optional(amountShape()),
    /** Credentials issued before, which this one takes the place of. */
    replaces: list(ticketId(), { max: 16 }),
  }),
  'in-person': numbered(2, {}),
  refuse: numbered(3, { reason: oneOf(...refusals) }),
};
export type AuthorityRuling = ChoiceOf<typeof rulings>;

const outcomeShape = row({ transaction: transaction(), reference: text({ max: 200 }) });

/** By the authority's server to its device: put this on the list. */
const standingOrderShape = row({ ticketId: ticketId(), standing: oneOf(...listedStandings) });

interface Wire<T> {
  encode(value: T): Uint8Array;
  /** @throws CborError or MessageError */
  decode(bytes: Uint8Array): T;
}

function wire<T>(name: string, shape: Shape<T>): Wire<T> {
  return {
    encode: (value) => encodeCbor(shape.encode(value)),
    decode: (body) => shape.decode(decodeCbor(body, { maxBytes: 1 << 19, maxDepth: 8 }), name),
  };
}

export const authorityQuery = wire('query', choice(queries));
export const authorityRuling = wire('ruling', choice(rulings));
/** What `port-commit` and `port-abort` carry. */
export const portOutcome = wire('outcome', outcomeShape);
export const standingOrder = wire('order', standingOrderShape);
