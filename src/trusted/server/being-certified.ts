/** An ordinary server gets its first cert(TS) from a primary server, and a new one with a new key before the old one expires. */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { equalBytes } from '../../codec/hex.ts';
import { compactKeyOf, makeCompactKey, signCompact } from '../../crypto/compact-key.ts';
import { HandselError } from '../../handsel-error.ts';
import type { ServerCertificate } from '../message/certificate.ts';
import {
  type CertifyRequest,
  certifyAnswerShape,
  certifyRequestShape,
  maxTries,
  newKeyText,
} from '../message/certify-talk.ts';
import { DAY_MS, dayOf } from '../message/day.ts';
import { checkUpdate, foldUpdate, restoreLists, storeLists, versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { validateServerCertificate } from '../message/validate-certificate.ts';
import { ask, call } from '../session/calling.ts';
import type { ServerTalk } from './server-state.ts';
import { endServerTalk, type ServerTurn, serverKey, sessionOfServer } from './server-turn.ts';

type Talk = Extract<ServerTalk, { type: 'being-certified' }>;

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function initialiseServer(turn: ServerTurn, token: Uint8Array): void {
  const { identity } = turn.state;
  if (identity.type !== 'new' && identity.type !== 'blank') {
    throw new TrustedError('COMMAND_UNTIMELY', 'this server has a certificate');
  }
  const scalar = identity.type === 'blank' ? identity.scalar : makeCompactKey(turn.env.random).scalar;
  turn.draft.records.push({ type: 'blank', scalar, token });
  begin(turn, 'initialise', scalar);
}

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function recertifyServer(turn: ServerTurn): void {
  serverKey(turn);
  begin(turn, 'recertify', makeCompactKey(turn.env.random).scalar);
}

function begin(turn: ServerTurn, purpose: 'initialise' | 'recertify', scalar: Uint8Array): void {
  const { settings, state, draft, context } = turn;
  if (settings.primary === undefined || [...state.talks.values()].some(({ type }) => type === 'being-certified')) {
    throw new TrustedError('COMMAND_UNTIMELY', 'there is no primary server, or this is under way already');
  }
  const session = call(context, draft, { purpose, about: '', route: settings.primary });
  draft.records.push({ type: 'talk', talk: { type: 'being-certified', session, scalar, tries: 0, installed: false } });
}

const say = (turn: ServerTurn, talk: Talk, request: CertifyRequest) =>
  ask(turn.context, turn.draft, sessionOfServer(turn, talk), encodeCbor(certifyRequestShape.encode(request)));

export function askToBeCertified(turn: ServerTurn, talk: Talk): void {
  const { privateKey, x } = compactKeyOf(talk.scalar);
  const { identity, lists } = turn.state;
  const signer = identity.type === 'certified' ? compactKeyOf(identity.scalar).privateKey : privateKey;
  const signature = signCompact(signer, newKeyText(x));
  say(turn, talk, { type: 'certify', publicKey: x, signature, versions: versionsOf(lists) });
}

export function hearCertified(turn: ServerTurn, talk: Talk, payload: Uint8Array): void {
  const answer = certifyAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
  if (answer.type === 'noted' || answer.type === 'refused') {
    if (answer.type === 'refused') certifyLater(turn, talk);
    endServerTalk(turn, talk, answer.type);
    return;
  }
  if (answer.type !== 'server-certified' || talk.installed) {
    throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" from a primary server`);
  }
  const { draft, state, env } = turn;
  const { certificate } = answer;
  try {
    const update = checkUpdate(state.lists, answer.update);
    const lists = restoreLists(storeLists(state.lists));
    foldUpdate(lists, update);
    requireOwn(turn, talk, certificate);
    validateServerCertificate(certificate, { lists, onDay: dayOf(env.nowMs) });
    draft.records.push({ type: 'lists', update }, { type: 'certified', scalar: talk.scalar, certificate });
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    const tries = talk.tries + 1;
    if (tries >= maxTries) throw error;
    draft.records.push({ type: 'talk', talk: { ...talk, tries } });
    say(turn, talk, { type: 'retry' });
    return;
  }
  draft.records.push({ type: 'talk', talk: { ...talk, installed: true } });
  renewInTime(turn, certificate);
  say(turn, talk, { type: 'installed' });
}

/** @throws TrustedError `CERTIFICATE_UNFIT` */
function requireOwn({ state }: ServerTurn, { scalar }: Talk, { publicKey, serverId }: ServerCertificate): void {
  const { identity } = state;
  const sameName = identity.type !== 'certified' || identity.certificate.serverId === serverId;
  if (!sameName || !equalBytes(publicKey, compactKeyOf(scalar).x)) {
    throw new TrustedError('CERTIFICATE_UNFIT', 'the certificate is for another server or key');
  }
}

export const RENEW_TIMER = 'renew';
/** The certificates that a server gives out never live longer than its own: so it renews that one early. */
const RENEW_AFTER = 0.2;
const TRY_AGAIN_MS = 60_000;

function renewInTime({ draft, env }: ServerTurn, { expiresDay }: ServerCertificate): void {
  const leftMs = expiresDay * DAY_MS - env.nowMs;
  draft.timers.push({ id: RENEW_TIMER, atMs: env.nowMs + Math.max(TRY_AGAIN_MS, Math.floor(leftMs * RENEW_AFTER)) });
}

/** The timer went off: a new certificate, or once more the first one. */
export function renew(turn: ServerTurn): void {
  const { identity } = turn.state;
  if (identity.type === 'blank') initialiseServer(turn, identity.token);
  else recertifyServer(turn);
}

/** The session was lost. */
export function certifyLater({ draft, env }: ServerTurn, talk: Talk): void {
  if (!talk.installed) draft.timers.push({ id: RENEW_TIMER, atMs: env.nowMs + TRY_AGAIN_MS });
}
