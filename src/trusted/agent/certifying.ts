/**
 * The agent gets its first certificate, a new one (US 5,671,280, figure 8, steps 240 to 294) or only its head countersigned and the newest
 * lists. A server has three tries at a valid certificate; until one is installed nothing of the old one is touched.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { equalBytes } from '../../codec/hex.ts';
import { compactKeyOf, makeCompactKey, signCompact } from '../../crypto/compact-key.ts';
import { CryptographicError, HandselError } from '../../handsel-error.ts';
import { homeOf } from '../message/agent-id.ts';
import type { AgentCertificate } from '../message/certificate.ts';
import {
  type CertifyAnswer,
  type CertifyRequest,
  certifyAnswerShape,
  certifyRequestShape,
  maxTries,
  newKeyText,
} from '../message/certify-talk.ts';
import { dayOf } from '../message/day.ts';
import { nameOfPeer } from '../message/party.ts';
import {
  isCountersigned,
  isSamePresentation,
  maxPresented,
  PRESENTATION_NONCE_LENGTH,
  type Presentation,
  type Receipt,
} from '../message/state-head.ts';
import { checkUpdate, foldUpdate, restoreLists, storeLists, versionsOf } from '../message/trust-lists.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from '../message/validate-certificate.ts';
import { call } from '../session/calling.ts';
import { type Conversation, fail } from './conversation.ts';
import type { CertifyingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { endTalk, keepTalk, log, ownKey, say, sessionOf, type Turn } from './turn.ts';

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function initialise(turn: Turn, route: string, token: Uint8Array): void {
  const { identity } = turn.state;
  if (identity.type === 'certified') throw new TrustedError('COMMAND_UNTIMELY', 'this device has a certificate');
  const scalar = identity.type === 'blank' ? identity.scalar : makeCompactKey(turn.env.random).scalar;
  turn.draft.records.push({ type: 'announced', scalar, token });
  begin(turn, { purpose: 'initialise', route, scalar });
}

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function recertify(turn: Turn, route: string): void {
  ownKey(turn);
  begin(turn, { purpose: 'recertify', route, scalar: makeCompactKey(turn.env.random).scalar });
}

/** @throws TrustedError `COMMAND_UNTIMELY` */
export function sync(turn: Turn, route: string): void {
  ownKey(turn);
  begin(turn, { purpose: 'sync', route, scalar: undefined });
}

function begin(
  turn: Turn,
  { purpose, route, scalar }: Pick<CertifyingTalk, 'purpose' | 'scalar'> & { readonly route: string },
): void {
  if ([...turn.state.talks.values()].some(({ type }) => type === 'certifying')) {
    throw new TrustedError('COMMAND_UNTIMELY', 'this is under way already');
  }
  const session = call(turn.context, turn.draft, { purpose, about: '', route });
  keepTalk(turn, { type: 'certifying', session, matter: purpose, purpose, tries: 0, scalar, step: 'calling' });
}

const ask = (turn: Turn, talk: CertifyingTalk, request: CertifyRequest) =>
  say(turn, talk, encodeCbor(certifyRequestShape.encode(request)));

export const certifying: Conversation<CertifyingTalk> = {
  open(turn, talk) {
    const { state } = turn;
    const versions = versionsOf(state.lists);
    const report = talk.purpose === 'initialise' ? undefined : { base: state.heads.base, presented: present(turn) };
    const reported = report && { report: { ...(report.base && { base: report.base }), presented: report.presented } };
    keepTalk(turn, { ...talk, step: 'asked' });
    if (talk.purpose === 'sync') {
      ask(turn, talk, { type: 'sync', versions, ...reported! });
      return;
    }
    const { x } = compactKeyOf(talk.scalar!);
    // A blank device has no older key: it shows that it holds the one that it names.
    const signer = talk.purpose === 'recertify' ? ownKey(turn).privateKey : compactKeyOf(talk.scalar!).privateKey;
    const signature = signCompact(signer, newKeyText(x));
    ask(turn, talk, { type: 'certify', publicKey: x, signature, versions, ...reported });
  },

  said(turn, talk, payload) {
    const answer = certifyAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    if (answer.type === 'agent-certified') return install(turn, talk, answer);
    if (answer.type === 'synced') return takeSync(turn, talk, answer);
    if (answer.type === 'noted') return endTalk(turn, talk, 'done');
    fail(turn, talk, 'refused');
  },

  lost(turn, talk, why) {
    // Once installed it is done, whether or not the server has noted it.
    if (talk.step !== 'installed') tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

/** Written down before it is shown, so that a device restored from an older copy never shows it again. */
function present({ state, env, draft }: Turn): readonly Presentation[] {
  const { count, head } = state.log;
  const presentation = { count, head, nonce: env.random(PRESENTATION_NONCE_LENGTH) };
  draft.records.push({ type: 'presented', presentation });
  return [...state.heads.presented, presentation].slice(-maxPresented);
}

type Certified = Extract<CertifyAnswer, { type: 'agent-certified' }>;

function install(turn: Turn, talk: CertifyingTalk, { certificate, update, receipt }: Certified): void {
  const { draft, state } = turn;
  if (talk.step !== 'asked') throw new TrustedError('SESSION_OUT_OF_ORDER', 'a certificate nobody asked for');
  const tries = talk.tries + 1;
  try {
    const checked = checkUpdate(state.lists, update);
    const lists = restoreLists(storeLists(state.lists));
    foldUpdate(lists, checked);
    requireOwnCertificate(turn, talk, certificate);
    validateAgentCertificate(certificate, { lists, onDay: dayOf(turn.env.nowMs) });
    requireTrustedAgent(certificate, lists);
    if (receipt !== undefined) countersigned(turn, talk, receipt, certificate);
    draft.records.push({ type: 'lists', update: checked }, { type: 'certified', scalar: talk.scalar!, certificate });
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    if (tries < maxTries) {
      keepTalk(turn, { ...talk, tries });
      ask(turn, talk, { type: 'retry' });
    } else {
      const entry = { kind: 'failed', session: talk.session, transaction: undefined, before: [], after: [] } as const;
      log(turn, {
        ...entry,
        peer: nameOfPeer(sessionOf(turn, talk).peer!),
        note: `no valid certificate in ${tries} tries`,
      });
      fail(turn, talk, error.code);
    }
    return;
  }
  const entry = { kind: 'certified', session: talk.session, transaction: undefined, before: [], after: [] } as const;
  log(turn, { ...entry, peer: nameOfPeer(sessionOf(turn, talk).peer!), note: undefined });
  keepTalk(turn, { ...talk, tries, step: 'installed' });
  const { agentId, kind, expiresDay } = certificate;
  tellHost(turn, { type: 'certified', agentId, kind, expiresDay });
  ask(turn, talk, { type: 'installed' });
}

/** @throws TrustedError `CERTIFICATE_UNFIT` */
function requireOwnCertificate(turn: Turn, talk: CertifyingTalk, certificate: AgentCertificate): void {
  const { identity } = turn.state;
  const { peer } = sessionOf(turn, talk);
  const server = peer?.type === 'server' ? peer.certificate : undefined;
  const fits =
    equalBytes(certificate.publicKey, compactKeyOf(talk.scalar!).x) &&
    server !== undefined &&
    equalBytes(certificate.server.signature, server.signature) &&
    (identity.type === 'certified'
      ? certificate.agentId === identity.certificate.agentId && certificate.kind === identity.certificate.kind
      : homeOf(certificate.agentId) === server.serverId);
  if (!fits)
    throw new TrustedError('CERTIFICATE_UNFIT', 'the certificate is for another agent or key, or by another server');
}

function countersigned(turn: Turn, talk: CertifyingTalk, receipt: Receipt, own: AgentCertificate): void {
  const { peer } = sessionOf(turn, talk);
  const { presentation, agentId } = receipt;
  const genuine =
    peer?.type === 'server' &&
    isCountersigned(receipt, peer.certificate) &&
    agentId === own.agentId &&
    turn.state.heads.presented.some((one) => isSamePresentation(one, presentation));
  if (!genuine) throw new CryptographicError(new Error('the server did not countersign what was presented'));
  turn.draft.records.push({ type: 'countersigned', presentation });
}

function takeSync(turn: Turn, talk: CertifyingTalk, answer: Extract<CertifyAnswer, { type: 'synced' }>): void {
  if (talk.purpose !== 'sync') throw new TrustedError('SESSION_OUT_OF_ORDER', 'nobody asked for that');
  countersigned(turn, talk, answer.receipt, ownKey(turn).certificate);
  turn.draft.records.push({ type: 'lists', update: checkUpdate(turn.state.lists, answer.update) });
  tellHost(turn, { type: 'over', matter: talk.matter });
  endTalk(turn, talk, 'done');
}
