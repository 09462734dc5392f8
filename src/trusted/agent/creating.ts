/**
 * Create Credential and Revalidate Credential (US 5,671,280, figures 26 to 28) at the authority's agent. Who may have what is known to the
 * authority's server, which is asked through a port; the agent validates what is shown, signs, and decides when everything is paid and
 * accepted: the signature exists from its commit on, in one record with all that the commit changes.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromHex, toHex } from '../../codec/hex.ts';
import type { Outcome } from '../../journal/machine.ts';
import { openClaims } from '../credential/claim.ts';
import { commitToClaims, encodeDisclosures } from '../credential/disclosure.ts';
import {
  AUTHORITY_PORT,
  type AuthorityQuery,
  authorityQuery,
  authorityRuling,
  type GrantedCredential,
} from '../credential/port-query.ts';
import { formatAgentId } from '../message/agent-id.ts';
import {
  type CredentialAnswer,
  type CredentialRequest,
  credentialAnswerShape,
  credentialRequestShape,
  type Shown,
} from '../message/credential-talk.ts';
import { dayOf } from '../message/day.ts';
import type { PaymentRequest } from '../message/payment-talk.ts';
import { TRANSACTION_ID_LENGTH } from '../message/statement.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { type Components, expiryOf, kindOf } from '../ticket/components.ts';
import { inactivity } from '../ticket/status.ts';
import { encodeBody, type TicketBody } from '../ticket/ticket.ts';
import { hearPayer, isPayerToSay, loseCollecting } from './be-paid-through.ts';
import { hearHeard } from './being-paid.ts';
import { credentialAnswer, reasonOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import { issuerOf } from './issuer.ts';
import { type Leg, storeUnsigned, ticketIdOfUnsigned } from './leg.ts';
import { askPort } from './port.ts';
import { readShownTicket, type ShownTicketRead } from './shown-ticket.ts';
import type { CreatingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { commitAtOnce } from './transaction.ts';
import { tellOutcomeToPort } from './transaction-effect.ts';
import { endTalk, keepTalk, log, ownKey, peerOf, say, type Turn } from './turn.ts';
import { writeSdJwt } from './write-sd-jwt.ts';

const answer = (turn: Turn, talk: CreatingTalk, said: CredentialAnswer) =>
  say(turn, talk, encodeCbor(credentialAnswerShape.encode(said)));

export const creating: Conversation<CreatingTalk> = {
  open() {},

  said(turn, talk, payload) {
    const request = credentialRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
    const { step } = talk;
    if (request.type === 'show-credential') answer(turn, talk, credentialAnswer(turn, talk));
    else if (step === 'open' && request.type === 'acquire') considerApplication(turn, talk, request);
    else if (step === 'open' && request.type === 'revalidate') considerRevalidation(turn, talk, request.shown);
    else if (step === 'open' && request.type === 'export') hearExport(turn, talk, request);
    else if (step === 'delivered' && request.type === 'accept') hearAccepted(turn, talk, request);
    else if (request.type === 'decline') hearDeclined(turn, talk, request);
    else if (step === 'issued' && request.type === 'done') hearDone(turn, talk, request);
    else if (step === 'in-person' && request.type === 'understood') hearUnderstood(turn, talk);
    else if (step === 'delivered' || step === 'issued') collect(turn, talk, request as PaymentRequest);
    else throw new TrustedError('SESSION_OUT_OF_ORDER', `"${request.type}" while ${step}`);
  },

  ported(turn, talk, outcome) {
    if (talk.step === 'consulting') hearRuling(turn, talk, outcome);
  },

  decided(turn, talk, outcome, why) {
    if (outcome === 'aborted') fail(turn, talk, `not paid: ${why}`);
    else if (isPayerToSay(turn, talk.transaction)) keepTalk(turn, { ...talk, step: 'issued' });
    else over(turn, talk);
  },

  lost(turn, talk, why) {
    const { transaction, step } = talk;
    if (step === 'open' || step === 'in-person' || transaction === undefined) return;
    const nothing = loseCollecting(turn, talk, transaction);
    if (!nothing || step === 'issued') return;
    forgetApplication(turn, talk);
    tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

/** The server is told to forget what it was asked, whether or not it has heard it. */
function forgetApplication(turn: Turn, { transaction }: CreatingTalk): void {
  if (transaction !== undefined) tellOutcomeToPort(turn, { port: AUTHORITY_PORT, reference: '' }, transaction, 'abort');
}

function refuse(turn: Turn, talk: CreatingTalk, reason: string): void {
  answer(turn, talk, { type: 'refused', reason });
  tellHost(turn, { type: 'failed', matter: talk.matter, why: `refused: ${reason}` });
  endTalk(turn, talk, 'refused');
}

/** Steps 896 to 910: identity shown in person is a code, identity shown remotely is credentials. */
function considerApplication(
  turn: Turn,
  talk: CreatingTalk,
  request: Extract<CredentialRequest, { type: 'acquire' }>,
): void {
  const { wanted, code } = request;
  try {
    const evidence = request.evidence.map((shown) => evidenceOf(requireCredential(turn, talk, shown)));
    const { agentId: applicant, certificate } = peerOf(turn, talk);
    const kind = certificate.kind;
    consult(turn, talk, (transaction) => ({
      ...{ type: 'acquire', transaction, applicant, kind, wanted, evidence },
      ...(code && { code }),
    }));
  } catch (error) {
    refuse(turn, talk, reasonOf(error));
  }
}

/** @throws TrustedError `TICKET_INVALID` or `TICKET_INACTIVE` */
function requireCredential(turn: Turn, talk: CreatingTalk, shown: Shown): ShownTicketRead {
  const read = readShownTicket(turn, peerOf(turn, talk), { ...shown, taintAllowed: false });
  const { components } = read.ticket.body;
  if (kindOf(components.type) !== 'credential')
    throw new TrustedError('TICKET_INVALID', 'a ticket that is no credential');
  const why = inactivity(components, read.status, Math.floor(turn.env.nowMs / 1000));
  if (why !== undefined) throw new TrustedError('TICKET_INACTIVE', `the credential is ${why}`);
  return read;
}

function evidenceOf({ ticketId, ticket, claims }: ShownTicketRead) {
  const { components, issuerName } = ticket.body;
  return {
    ...{ ticketId, issuer: ticket.issuerCertificate.agentId, issuerName },
    what: 'title' in components ? components.title : components.type,
    claims: { ...openClaims(components), ...claims },
  };
}

/** Steps 974 to 982. */
function considerRevalidation(turn: Turn, talk: CreatingTalk, shown: Shown): void {
  try {
    const { ticketId, ticket } = requireCredential(turn, talk, shown);
    if (ticket.issuerCertificate.agentId !== ownKey(turn).certificate.agentId) {
      throw new TrustedError('TICKET_INVALID', 'a credential that another agent issued');
    }
    const { agentId: applicant } = peerOf(turn, talk);
    const expiresDay = expiryOf(ticket.body.components) ?? 0;
    const replaces = { ticketId, ticket: shown.ticket, mark: shown.mark };
    consult(turn, { ...talk, replaces }, (transaction) => ({
      ...{ type: 'revalidate', transaction, applicant, ticketId, expiresDay },
    }));
  } catch (error) {
    refuse(turn, talk, reasonOf(error));
  }
}

/** A copy in another form, which changes nothing. */
function hearExport(turn: Turn, talk: CreatingTalk, request: Extract<CredentialRequest, { type: 'export' }>): void {
  try {
    const sdJwt = writeSdJwt(turn, talk, requireCredential(turn, talk, request.shown), request);
    answer(turn, talk, { type: 'exported', sdJwt });
    tellHost(turn, { type: 'over', matter: talk.matter });
    endTalk(turn, talk, 'done');
  } catch (error) {
    refuse(turn, talk, reasonOf(error));
  }
}

function consult(turn: Turn, talk: CreatingTalk, query: (transaction: string) => AuthorityQuery): void {
  // Without a name to issue under there is nothing to ask for.
  issuerOf(turn);
  const transaction = toHex(turn.env.random(TRANSACTION_ID_LENGTH));
  keepTalk(turn, { ...talk, step: 'consulting', transaction });
  askPort(turn, talk, {
    port: AUTHORITY_PORT,
    kind: 'AuthorityQuery',
    body: authorityQuery.encode(query(transaction)),
  });
}

/** What the data base says. @throws HandselError when the answer makes no sense: the session is lost, and the server told to forget */
function hearRuling(turn: Turn, talk: CreatingTalk, outcome: Outcome): void {
  if (outcome.type !== 'answered') {
    forgetApplication(turn, talk);
    refuse(turn, talk, 'busy');
    return;
  }
  const ruling = authorityRuling.decode(outcome.body);
  if (ruling.type === 'refuse') {
    refuse(turn, talk, ruling.reason);
  } else if (ruling.type === 'grant') {
    deliver(turn, talk, ruling);
  } else if (talk.replaces === undefined) {
    refuse(turn, talk, 'identity');
  } else {
    keepTalk(turn, { ...talk, step: 'in-person' });
    answer(turn, talk, { type: 'revalidate-in-person' });
  }
}

/** Steps 912 to 920. */
function deliver(
  turn: Turn,
  talk: CreatingTalk,
  ruling: Extract<ReturnType<typeof authorityRuling.decode>, { type: 'grant' }>,
) {
  const { state, env, draft } = turn;
  const { price } = ruling;
  const { certificate: signer } = ownKey(turn);
  const { agentId: receiver, certificate } = peerOf(turn, talk);
  const { components, disclosures } = written(turn, ruling.credential);
  const serial = state.serial + 1;
  const body: TicketBody = {
    ...{ ...issuerOf(turn), receiverExpiresDay: certificate.expiresDay, issuedOnDay: dayOf(env.nowMs) },
    ...{ serial, components },
  };
  const unsigned = { type: 'issue', body, receiver, signer } as const;
  const ticketId = ticketIdOfUnsigned(unsigned);
  const id = talk.transaction!;
  const replaced = new Set([...ruling.replaces, ...(talk.replaces ? [talk.replaces.ticketId] : [])]);
  const legs: Leg[] = [
    { type: 'give', ticketId, ticket: storeUnsigned(unsigned) },
    { type: 'port', port: AUTHORITY_PORT, reference: ticketId },
    ...[...replaced].map((old) => ({ type: 'list', ticketId: old, standing: 'replaced' }) as const),
    ...(talk.replaces === undefined ? [] : [{ type: 'seen', image: talk.replaces } as const]),
  ];
  draft.records.push({ type: 'serial', serial });
  keepTalk(turn, { ...talk, step: 'delivered', offer: { ticketId, legs, ...(price && { price }) } });
  answer(turn, talk, {
    ...{ type: 'deliver', transaction: fromHex(id), signer, body: encodeBody(body) },
    ...(disclosures && { disclosures }),
    ...(price && { price }),
  });
}

function written(
  { env }: Turn,
  credential: GrantedCredential,
): { readonly components: Components; readonly disclosures?: Uint8Array } {
  if (credential.type === 'open') return { components: credential.components };
  const { title, expiresDay, claims } = credential;
  const { digests, disclosures } = commitToClaims(claims, env.random);
  return {
    components: { type: 'attestation', title, digests, expiresDay },
    disclosures: encodeDisclosures(disclosures),
  };
}

/** Steps 938 to 946: one record in which the signature is made, and after which the server is told. */
function hearAccepted(turn: Turn, talk: CreatingTalk, request: Extract<CredentialRequest, { type: 'accept' }>): void {
  const { legs, price } = requireOffer(talk, request.transaction);
  if (price !== undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'it costs something');
  const deeds = commitAtOnce(turn, talk, { id: talk.transaction!, legs });
  keepTalk(turn, { ...talk, step: 'issued' });
  answer(turn, talk, { type: 'issued', transaction: request.transaction, deeds });
}

/** Steps 948 to 954. */
function collect(turn: Turn, talk: CreatingTalk, request: PaymentRequest): void {
  const { legs, price: amount, ticketId } = requireOffer(talk, undefined);
  if (amount === undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'it costs nothing');
  const how = hearPayer(turn, talk, { id: talk.transaction!, legs, amount, ticketId }, request);
  if (how === 'over') {
    over(turn, talk);
  } else if (how !== 'under way') {
    forgetApplication(turn, talk);
    fail(turn, talk, how === 'given up' ? 'declined' : 'not paid');
  }
}

function over(turn: Turn, talk: CreatingTalk): void {
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}

/** @throws TrustedError `SESSION_OUT_OF_ORDER` */
function requireOffer({ transaction, offer }: CreatingTalk, number: Uint8Array | undefined) {
  if (offer === undefined || (number !== undefined && toHex(number) !== transaction)) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', 'no such transaction');
  }
  return offer;
}

function hearDeclined(turn: Turn, talk: CreatingTalk, request: Extract<CredentialRequest, { type: 'decline' }>): void {
  if (talk.step !== 'delivered') throw new TrustedError('SESSION_OUT_OF_ORDER', 'nothing to decline');
  requireOffer(talk, request.transaction);
  forgetApplication(turn, talk);
  answer(turn, talk, { type: 'over' });
  fail(turn, talk, 'declined');
}

function hearDone(turn: Turn, talk: CreatingTalk, request: Extract<CredentialRequest, { type: 'done' }>): void {
  requireOffer(talk, request.transaction);
  hearHeard(turn, talk.transaction);
  answer(turn, talk, { type: 'over' });
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}

/** Step 1000. */
function hearUnderstood(turn: Turn, talk: CreatingTalk): void {
  const image = talk.replaces!;
  log(turn, {
    ...{ kind: 'revalidated', session: talk.session, transaction: undefined, note: 'in person' },
    ...{ peer: formatAgentId(peerOf(turn, talk).agentId), before: [image], after: [image] },
  });
  answer(turn, talk, { type: 'over' });
  tellHost(turn, { type: 'revalidate-in-person', matter: talk.matter });
  endTalk(turn, talk, 'done');
}
