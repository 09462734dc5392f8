/** An authority's agent writes a credential of its own as an SD-JWT VC, for a key of whoever holds the credential. */
import { toHex } from '../../codec/hex.ts';
import { verifyCompact } from '../../crypto/compact-key.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { openClaims } from '../credential/claim.ts';
import { issueSdJwt } from '../credential/sd-jwt.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { type CredentialRequest, exportText } from '../message/credential-talk.ts';
import { DAY_MS } from '../message/day.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { expiryOf } from '../ticket/components.ts';
import type { ShownTicketRead } from './shown-ticket.ts';
import type { Talk } from './talk.ts';
import { log, ownKey, peerOf, type Turn } from './turn.ts';

/** Nobody tells verifiers elsewhere what was revoked: so a copy lives no longer than that, and is written anew. */
const longestDays = 30;

/** @throws TrustedError `COMMAND_UNTIMELY` for an authority that has no URL, `TICKET_INVALID`; CryptographicError */
export function writeSdJwt(
  turn: Turn,
  talk: Talk,
  { ticketId, ticket, claims }: ShownTicketRead,
  { publicKey, signature }: Extract<CredentialRequest, { type: 'export' }>,
): string {
  const { env, settings } = turn;
  const { certificate, privateKey } = ownKey(turn);
  if (settings.sdJwt === undefined) throw new TrustedError('COMMAND_UNTIMELY', 'nothing is exported here');
  if (ticket.issuerCertificate.agentId !== certificate.agentId) {
    throw new TrustedError('TICKET_INVALID', 'a credential that another agent issued');
  }
  if (!verifyCompact(publicKey, exportText(talk.session, publicKey), signature)) {
    throw new CryptographicError(new Error('a key that its holder does not hold'));
  }
  const { components } = ticket.body;
  const { issuer, vctBase } = settings.sdJwt;
  const what = 'title' in components ? components.title : components.type;
  // Times are rounded to the day, lest they tell copies apart.
  const todayS = (Math.floor(env.nowMs / DAY_MS) * DAY_MS) / 1000;
  const lastDay = Math.min(
    expiryOf(components) ?? Number.MAX_SAFE_INTEGER,
    Math.floor(env.nowMs / DAY_MS) + longestDays,
  );
  const all = { ...openClaims(components), ...claims };
  const sdJwt = issueSdJwt({
    ...{ issuer, vct: `${vctBase}${encodeURIComponent(what)}`, holderKey: publicKey },
    claims: Object.entries(all).map(([name, value]) => ({ name, value })),
    ...{ issuedAtS: todayS, expiresAtS: ((lastDay + 1) * DAY_MS) / 1000 },
    ...{ key: { compact: certificate.publicKey, privateKey }, random: env.random },
  });
  log(turn, {
    ...{ kind: 'exported', session: talk.session, transaction: undefined, before: [], after: [] },
    ...{
      peer: formatAgentId(peerOf(turn, talk).agentId),
      note: `${ticketId} for key ${toHex(publicKey).slice(0, 16)}`,
    },
  });
  return sdJwt;
}
