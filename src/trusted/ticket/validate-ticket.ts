/**
 * Validating a ticket by the four rules of US 5,671,280 ("Purchase Of Electronic Merchandise", after figure 14). A certificate in a ticket must
 * have been valid on the day on which it was used, not today: tickets outlive certificates.
 */
import { verifyCompact } from '../../crypto/compact-key.ts';
import { HandselError } from '../../handsel-error.ts';
import { type AgentId, formatAgentId } from '../message/agent-id.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import { isUntrusted, type TrustLists } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { kindOf } from './components.ts';
import {
  encodeBody,
  holderOf,
  issuedDigest,
  issueText,
  signerFactsOf,
  type Ticket,
  type TicketBody,
  transferredDigest,
  transferText,
} from './ticket.ts';

export interface TicketValidation {
  readonly lists: TrustLists;
  readonly nowMs: number;
  /** Whoever shows the ticket: the agent at the other end of the session. */
  readonly holder: AgentId;
  /**
   * Whether an untrusted agent may have passed it on once. A copied device can have given one ticket to two: at a gate the books admit
   * one of them, but nobody takes such a ticket over.
   */
  readonly taintAllowed: boolean;
  /** In a dispute also a ticket of somebody who is not trusted any more is a ticket. */
  readonly fallenAllowed?: boolean;
}

/** Clocks of devices are set by their owners: that much may a date lie ahead. */
const clockErrorS = 900;

/** @throws TrustedError `TICKET_INVALID`, whose cause says which rule is broken */
export function validateTicket(ticket: Ticket, validation: TicketValidation): void {
  try {
    checkIssuer(ticket, validation);
    checkTransfers(ticket, validation);
    // 4) The last receiver is the agent of the current session.
    const last = holderOf(ticket);
    if (last !== validation.holder) throw invalid(`it belongs to ${formatAgentId(last)}`);
  } catch (cause) {
    if (!(cause instanceof HandselError)) throw cause;
    throw new TrustedError('TICKET_INVALID', 'the ticket is not valid', { cause });
  }
}

const invalid = (why: string) => new TrustedError('TICKET_INVALID', why);

/**
 * 1) Issuer certificate and issuer signature.
 * @throws TrustedError (`PARTY_UNTRUSTED` for an issuer that is on the list) or CryptographicError
 */
export function checkIssuer(
  ticket: Ticket,
  { lists, nowMs, fallenAllowed = false }: Pick<TicketValidation, 'lists' | 'nowMs' | 'fallenAllowed'>,
): void {
  const { body, receiver, issuerCertificate, issuerSignature } = ticket;
  const { issuedOnDay } = body;
  if (issuedOnDay * 86_400 > nowMs / 1000 + clockErrorS) throw invalid('it was issued in the future');
  validateAgentCertificate(issuerCertificate, { lists, onDay: issuedOnDay });
  if (!fallenAllowed) {
    requireTrustedAgent(issuerCertificate, lists);
    if (isUntrusted(lists, { type: 'organisation', name: body.issuerName })) {
      throw new TrustedError('PARTY_UNTRUSTED', 'its issuer is untrusted');
    }
  }
  requireMayIssue(issuerCertificate, body);
  const text = issueText({ body: encodeBody(body), receiver, issuer: signerFactsOf(issuerCertificate) });
  if (!verifyCompact(issuerCertificate.publicKey, text, issuerSignature)) throw invalid('the issuer did not sign it');
}

/** Credentials come from authorities, goods from merchants; a purchase order or remittance advice from anybody. */
function requireMayIssue({ kind }: AgentCertificate, { components }: TicketBody): void {
  const of = kindOf(components.type);
  if (of === 'physical-object') return;
  if (kind !== (of === 'credential' ? 'authority' : 'merchant'))
    throw invalid(`a ${kind} does not issue a ${of} ticket`);
}

/**
 * What can be said of a ticket before its issuer signs it, when its issuer is the agent in the session.
 * @throws TrustedError `TICKET_INVALID`
 */
export function validateUnissued(
  { body, signer }: { readonly body: TicketBody; readonly signer: AgentCertificate },
  {
    lists,
    nowMs,
    receiverExpiresDay,
  }: Pick<TicketValidation, 'lists' | 'nowMs'> & { readonly receiverExpiresDay: number },
): void {
  if (Math.abs(body.issuedOnDay * 86_400 + 43_200 - nowMs / 1000) > 43_200 + clockErrorS)
    throw invalid('not issued today');
  if (body.receiverExpiresDay !== receiverExpiresDay) throw invalid('it is for a certificate of another age');
  if (isUntrusted(lists, { type: 'organisation', name: body.issuerName })) throw invalid('its issuer is untrusted');
  requireMayIssue(signer, body);
}

/** 2) and 3): each sender is the receiver before, had a valid certificate then, and signed. */
function checkTransfers(ticket: Ticket, { lists, nowMs, taintAllowed }: TicketValidation): void {
  const { body, issuerCertificate, issuerSignature } = ticket;
  let { receiver } = ticket;
  const issuer = signerFactsOf(issuerCertificate);
  let before = issuedDigest(issueText({ body: encodeBody(body), receiver, issuer }), issuerSignature);
  let lastS = body.issuedOnDay * 86_400;
  for (const { senderCertificate, signature, ...entry } of ticket.transfers) {
    if (senderCertificate.agentId !== receiver) throw invalid('a sender is not the receiver before');
    if (entry.atS < lastS) throw invalid('a transfer before the one before');
    if (entry.atS > nowMs / 1000 + clockErrorS) throw invalid('it was transferred in the future');

    validateAgentCertificate(senderCertificate, { lists, onDay: Math.floor(entry.atS / 86_400) });
    if (!taintAllowed) requireTrustedAgent(senderCertificate, lists);
    const text = transferText({ ...entry, before, sender: signerFactsOf(senderCertificate) });
    if (!verifyCompact(senderCertificate.publicKey, text, signature)) throw invalid('a sender did not sign it');

    before = transferredDigest(text, signature);
    lastS = entry.atS;
    receiver = entry.receiver;
  }
}
