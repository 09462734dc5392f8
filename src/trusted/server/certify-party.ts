/**
 * Certify (US 5,671,280, function 222; figure 8 from the server's side): an ordinary server certifies agents, a primary one servers. An agent's
 * certificate is given out only to the device whose state head grew from the one countersigned last.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { compactKeyOf, verifyCompact } from '../../crypto/compact-key.ts';
import { agentIdOf, maxServerId } from '../message/agent-id.ts';
import { certifyAgent, certifyServer } from '../message/certificate.ts';
import {
  type CertifyAnswer,
  type CertifyRequest,
  certifyAnswerShape,
  certifyRequestShape,
  maxTries,
  newKeyText,
} from '../message/certify-talk.ts';
import { dayOf } from '../message/day.ts';
import type { ListUpdate, ListVersions } from '../message/list-change.ts';
import { keyOfPeer, type Peer } from '../message/party.ts';
import { countersign, type HeadReport, isSameDevice, type Receipt } from '../message/state-head.ts';
import { signedAtTheEnd, updateSince } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { respond } from '../session/answering.ts';
import { confirm, suspect } from './admit-party.ts';
import type { Registered, ServerState, ServerTalk } from './server-state.ts';
import { endServerTalk, type ServerTurn, serverKey, sessionOfServer } from './server-turn.ts';

type Talk = Extract<ServerTalk, { type: 'certifying' }>;
type Asked = NonNullable<Talk['asked']>;

const answer = (turn: ServerTurn, talk: Talk, said: CertifyAnswer) =>
  respond(turn.context, turn.draft, sessionOfServer(turn, talk), encodeCbor(certifyAnswerShape.encode(said)));

export function certifyParty(turn: ServerTurn, talk: Talk, payload: Uint8Array): void {
  const request = certifyRequestShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'request');
  switch (request.type) {
    case 'certify':
      certify(turn, talk, request);
      break;
    case 'retry':
      if (talk.asked === undefined || talk.tries >= maxTries) refuse(turn, talk);
      else offer(turn, talk, { asked: talk.asked });
      break;
    case 'installed':
      installed(turn, talk);
      break;
    case 'sync':
      sync(turn, talk, request);
      break;
  }
}

function refuse(turn: ServerTurn, talk: Talk) {
  answer(turn, talk, { type: 'refused' });
  endServerTalk(turn, talk, 'refused');
}

function certify(turn: ServerTurn, talk: Talk, request: Extract<CertifyRequest, { type: 'certify' }>) {
  if (talk.asked !== undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'asked twice');
  const { publicKey, signature, versions, report } = request;
  const peer = sessionOfServer(turn, talk).peer!;

  // Steps 254 to 258: signed with the key that belongs to the certificate of the session.
  const old = keyOfPeer(peer, { lists: turn.state.lists });
  if (!verifyCompact(old, newKeyText(publicKey), signature)) return refuse(turn, talk);

  const id = numberOf(turn, talk, peer, publicKey);
  const asked: Asked = { id, publicKey, versions: [versions.untrusted, versions.primaryKeys] };
  if (peer.type !== 'agent') return offer(turn, talk, { asked });
  const receipt = report && countersignReport(turn, talk, { agentId: peer.agentId, report });
  if (receipt === undefined) return refuse(turn, talk);
  offer(turn, talk, { asked, receipt });
}

/** TA(id) or TS(id): that of the certificate, or for a new device the next one. */
function numberOf({ state, draft }: ServerTurn, talk: Talk, peer: Peer, publicKey: Uint8Array): number {
  if (peer.type === 'agent') return peer.agentId;
  if (peer.type === 'server') return peer.serverId;
  const { enrolment: name } = talk;
  const enrolment = name === undefined ? undefined : state.enrolments.get(name);
  if (name === undefined || enrolment === undefined) throw new TrustedError('SESSION_DENIED', 'no longer announced');
  if (enrolment.taken !== undefined) return enrolment.taken.id;
  const serial = state.serial + 1;
  const { identity } = state;
  const id = identity.type === 'certified' ? agentIdOf(identity.certificate.serverId, serial) : serial;
  if (identity.type === 'primary' && id > maxServerId) throw new TrustedError('SESSION_DENIED', 'no number is left');
  draft.records.push({ type: 'serial', serial });
  draft.records.push({ type: 'announced', name, enrolment: { ...enrolment, taken: { id, publicKey } } });
  return id;
}

/** Servers pass changes on and need every signature; agents do not. */
function passedOn({ changes, identity }: ServerState, versions: ListVersions): ListUpdate {
  const update = updateSince(changes, versions);
  return identity.type === 'primary' ? update : signedAtTheEnd(update);
}

interface Offer {
  readonly asked: Asked;
  readonly receipt?: Receipt;
}

/** Steps 262 to 266. What is given out is registered first: from here on the device may come with it. */
function offer(turn: ServerTurn, talk: Talk, { asked, receipt }: Offer): void {
  const { state, env, draft, settings } = turn;
  const { id, publicKey, versions } = asked;
  const update = passedOn(state, { untrusted: versions[0], primaryKeys: versions[1] });
  const lastDay = dayOf(env.nowMs) + settings.certificateDays;
  const before = state.registered.get(id);
  const kind = before?.kind ?? (talk.enrolment === undefined ? undefined : state.enrolments.get(talk.enrolment)?.kind);
  const register = (expiresDay: number) =>
    draft.records.push({
      type: 'registered',
      registered: {
        ...{ id, kind, publicKey: before?.publicKey, offered: publicKey, expiresDay },
        confirmedAtMs: before?.confirmedAtMs ?? 0,
        ...routeIn(turn, talk, before),
        latest: receipt?.presentation ?? before?.latest,
      },
    });
  draft.records.push({ type: 'talk', talk: { ...talk, asked, tries: talk.tries + 1 } });
  const { identity } = state;
  if (identity.type === 'primary') {
    const { primaryId, scalar } = identity;
    const claims = { serverId: id, publicKey, expiresDay: lastDay, primaryId };
    register(lastDay);
    const certificate = certifyServer(claims, compactKeyOf(scalar).privateKey);
    answer(turn, talk, { type: 'server-certified', certificate, update });
    return;
  }
  const own = serverKey(turn);
  const expiresDay = Math.min(lastDay, own.certificate.expiresDay);
  register(expiresDay);
  const certificate = certifyAgent({ agentId: id, kind: kind ?? 'customer', publicKey, expiresDay }, own);
  answer(turn, talk, { type: 'agent-certified', certificate, update, ...(receipt && { receipt }) });
}

/** Steps 290 to 294. */
function installed(turn: ServerTurn, talk: Talk): void {
  const registered = talk.asked && turn.state.registered.get(talk.asked.id);
  if (registered === undefined) throw new TrustedError('SESSION_OUT_OF_ORDER', 'nothing was given out');
  if (registered.offered !== undefined) confirm(turn, registered);
  answer(turn, talk, { type: 'noted' });
  endServerTalk(turn, talk, 'done');
}

/** What the device itself says, under its certificate, of where it is reached: nobody else is believed about that. */
function routeIn(turn: ServerTurn, talk: Talk, before: Registered | undefined): { readonly route?: string } {
  const route = sessionOfServer(turn, talk).route ?? before?.route;
  return route === undefined ? {} : { route };
}

function sync(turn: ServerTurn, talk: Talk, { versions, report }: Extract<CertifyRequest, { type: 'sync' }>) {
  const peer = sessionOfServer(turn, talk).peer!;
  const receipt = peer.type === 'agent' ? countersignReport(turn, talk, { agentId: peer.agentId, report }) : undefined;
  if (receipt === undefined) return refuse(turn, talk);
  answer(turn, talk, { type: 'synced', update: passedOn(turn.state, versions), receipt });
  endServerTalk(turn, talk, 'done');
}

/** The receipt, or undefined when there is another device of this name: then none of them is trusted any more. */
function countersignReport(
  turn: ServerTurn,
  talk: Talk,
  { agentId, report }: { readonly agentId: number; readonly report: HeadReport },
): Receipt | undefined {
  const { state, env, draft } = turn;
  const registered = state.registered.get(agentId)!;
  if (!isSameDevice(report, registered.latest)) {
    suspect(turn, agentId);
    return undefined;
  }
  const presentation = report.presented.at(-1)!;
  draft.records.push({
    type: 'registered',
    registered: { ...registered, ...routeIn(turn, talk, registered), latest: presentation },
  });
  return countersign({ agentId, presentation, atMs: env.nowMs }, serverKey(turn).privateKey);
}
