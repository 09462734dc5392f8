/**
 * Credentials in the form of SD-JWT VCs (draft-ietf-oauth-sd-jwt-vc). A signature over a ticket is none over a JWT, so a copy is written by the
 * authority that issued the credential, bound to a key that this device makes for it and uses for nothing else: two copies have nothing in
 * common by which verifiers could link them. One of another issuer is held in the same way, once it is bound to a key of this device.
 */
import { decodeCbor, encodeCbor } from '../../codec/cbor.ts';
import { fromUtf8, toHex } from '../../codec/hex.ts';
import { compactKeyOf, makeCompactKey, signCompact } from '../../crypto/compact-key.ts';
import { HandselError } from '../../handsel-error.ts';
import { decodeDisclosures } from '../credential/disclosure.ts';
import { isObject, type Json, type Jwk, jwkOfCompact, readJws } from '../credential/jws.ts';
import { disclosableIn, presentSdJwt, splitSdJwt } from '../credential/sd-jwt.ts';
import { type VerifiedSdJwt, verifySdJwt } from '../credential/verify-sd-jwt.ts';
import { formatAgentId } from '../message/agent-id.ts';
import { credentialAnswerShape, credentialRequestShape, exportText } from '../message/credential-talk.ts';
import { TrustedError } from '../message/trusted-error.ts';
import { call } from '../session/calling.ts';
import type { AgentState, HeldSdJwt } from './agent-state.ts';
import { shownOf } from './check-credential.ts';
import { type Conversation, fail } from './conversation.ts';
import type { HostCommand } from './host-command.ts';
import { requireShowable } from './own-credential.ts';
import type { ExportingTalk } from './talk.ts';
import { tellHost } from './to-host.ts';
import { endTalk, keepTalk, log, ownKey, peerOf, say, type Turn } from './turn.ts';

type CommandOf<K extends HostCommand['type']> = Extract<HostCommand, { type: K }>;

/** What one device holds of them. */
const maxHeld = 200;

/** @throws TrustedError as `requireShowable` */
export function exportCredential(turn: Turn, { matter, route, about, ticketId }: CommandOf<'export'>): void {
  ownKey(turn);
  requireShowable(turn, ticketId);
  requireRoom(turn);
  const session = call(turn.context, turn.draft, { purpose: 'credential', about: toHex(about), route });
  const { scalar } = makeCompactKey(turn.env.random);
  keepTalk(turn, { type: 'exporting', session, matter, ticketId, scalar });
}

/** What has run out makes room. @throws TrustedError `COMMAND_UNTIMELY` */
function requireRoom({ state, env, draft }: Turn): void {
  const over = showSdJwts(state).filter(({ expiresAtS }) => (expiresAtS ?? Infinity) * 1000 < env.nowMs);
  if (over.length > 0) draft.records.push({ type: 'sd-jwts-over', ids: over.map(({ id }) => id) });
  if (state.sdJwts.size - over.length >= maxHeld)
    throw new TrustedError('COMMAND_UNTIMELY', `more than ${maxHeld} of them are held`);
}

export const exporting: Conversation<ExportingTalk> = {
  open(turn, talk) {
    try {
      const held = requireShowable(turn, talk.ticketId);
      const { x, privateKey } = compactKeyOf(talk.scalar);
      // The authority has every field of it; but only what is shown goes into the copy.
      const names = held.disclosures && namesOf(held.disclosures);
      const shown = shownOf(held, names);
      const signature = signCompact(privateKey, exportText(talk.session, x));
      say(turn, talk, encodeCbor(credentialRequestShape.encode({ type: 'export', shown, publicKey: x, signature })));
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      fail(turn, talk, error.code);
    }
  },

  said(turn, talk, payload) {
    const answer = credentialAnswerShape.decode(decodeCbor(payload, { maxDepth: 12 }), 'answer');
    if (answer.type === 'refused') return fail(turn, talk, `refused: ${answer.reason}`);
    if (answer.type !== 'exported') throw new TrustedError('SESSION_OUT_OF_ORDER', `"${answer.type}" to an export`);
    const { sdJwt } = answer;
    const told = readJws(splitSdJwt(sdJwt).jwt).payload;
    requireBoundTo(talk.scalar, told.cnf);
    const id = idOf(talk.scalar);
    hold(turn, { id, scalar: talk.scalar, sdJwt });
    log(turn, {
      ...{ kind: 'exported', session: talk.session, transaction: undefined, before: [], after: [] },
      ...{ peer: formatAgentId(peerOf(turn, talk).agentId), note: `${talk.ticketId} as ${id}` },
    });
    tellHost(turn, { type: 'sd-jwt-held', matter: talk.matter, id, ...toldOf(told) });
    endTalk(turn, talk, 'done');
  },

  lost(turn, talk, why) {
    tellHost(turn, { type: 'failed', matter: talk.matter, why });
  },
};

const namesOf = (disclosures: Uint8Array) => decodeDisclosures(disclosures).map(({ name }) => name);

function hold({ draft }: Turn, held: HeldSdJwt): void {
  draft.records.push({ type: 'sd-jwt', held });
}

const idOf = (scalar: Uint8Array) => jwkOfCompact(compactKeyOf(scalar).x).kid;

function toldOf({ iss, vct, exp }: Readonly<Record<string, Json>>) {
  return {
    issuer: String(iss ?? '').slice(0, 300),
    vct: String(vct ?? '').slice(0, 300),
    // What ends later than anybody can say does not end.
    ...(typeof exp === 'number' &&
      exp >= 0 &&
      Number.isSafeInteger(Math.floor(exp)) && { expiresAtS: Math.floor(exp) }),
  };
}

/** @throws TrustedError `TICKET_INVALID` */
function requireBoundTo(scalar: Uint8Array, cnf: Json | undefined): void {
  const { x, y } = jwkOfCompact(compactKeyOf(scalar).x);
  const jwk = isObject(cnf) ? cnf.jwk : undefined;
  if (!isObject(jwk) || jwk.x !== x || jwk.y !== y) throw new TrustedError('TICKET_INVALID', 'bound to another key');
}

/** A key for another issuer to bind a credential to. @throws TrustedError `COMMAND_UNTIMELY` */
export function makeSdJwtKey(turn: Turn, { matter }: CommandOf<'make-sd-jwt-key'>): void {
  requireRoom(turn);
  const { scalar, x } = makeCompactKey(turn.env.random);
  const { kid: id, ...jwk } = jwkOfCompact(x);
  hold(turn, { id, scalar, sdJwt: undefined });
  tellHost(turn, { type: 'sd-jwt-key', matter, id, jwk: JSON.stringify(jwk) });
}

/**
 * A credential that another issuer bound to such a key. Whose keys are believed is for the owner to say.
 * @throws TrustedError `TICKET_UNKNOWN`, `TICKET_INVALID`, `TICKET_INACTIVE`; CryptographicError
 */
export function importSdJwt(turn: Turn, { matter, id, sdJwt, issuer, keys }: CommandOf<'import-sd-jwt'>): void {
  const held = requireHeld(turn, id);
  const read: VerifiedSdJwt = verifySdJwt(sdJwt, {
    issuers: [{ issuer, keys: keysOf(keys) }],
    ...{ nowMs: turn.env.nowMs, binding: undefined },
  });
  requireBoundTo(held.scalar, { jwk: read.holderKey ?? null });
  hold(turn, { ...held, sdJwt });
  const { vct, expiresAtS } = read;
  tellHost(turn, { type: 'sd-jwt-held', matter, id, ...toldOf({ iss: issuer, vct, exp: expiresAtS ?? null }) });
}

/** A JWK set as the host side was given it. @throws TrustedError `TICKET_INVALID` */
function keysOf(text: Uint8Array): readonly Jwk[] {
  try {
    const { keys } = JSON.parse(fromUtf8(text)) as { readonly keys?: unknown };
    if (Array.isArray(keys) && keys.length <= 20 && keys.every(isObject)) return keys as unknown as readonly Jwk[];
  } catch {
    // Told below, the same for both.
  }
  throw new TrustedError('TICKET_INVALID', 'no set of keys');
}

function requireHeld({ state }: Turn, id: string): HeldSdJwt {
  const held = state.sdJwts.get(id);
  if (held === undefined) throw new TrustedError('TICKET_UNKNOWN', `no key ${id}`);
  return held;
}

/** Shown to a verifier, who has said its name and a nonce. @throws TrustedError `TICKET_UNKNOWN` */
export function showSdJwt(turn: Turn, { matter, id, fields, audience, nonce }: CommandOf<'show-sd-jwt'>): void {
  const { scalar, sdJwt } = requireHeld(turn, id);
  if (sdJwt === undefined) throw new TrustedError('TICKET_UNKNOWN', 'nothing is bound to that key yet');
  const shown = presentSdJwt(sdJwt, {
    ...{ names: fields, audience, nonce, atS: Math.floor(turn.env.nowMs / 1000) },
    privateKey: compactKeyOf(scalar).privateKey,
  });
  tellHost(turn, { type: 'sd-jwt', matter, id, text: shown });
}

/** As its owner may see it: no key, and of what it says only the names. */
export interface ShownSdJwt {
  readonly id: string;
  readonly issuer: string;
  readonly vct: string;
  /** Unix seconds. */
  readonly expiresAtS?: number;
  readonly fields: readonly string[];
}

/** Those that are bound to a key of this agent; keys to which nothing was bound yet are left out. */
export function showSdJwts({ sdJwts }: Pick<AgentState, 'sdJwts'>): readonly ShownSdJwt[] {
  return [...sdJwts.values()].flatMap(({ id, sdJwt }) =>
    sdJwt === undefined
      ? []
      : [{ id, ...toldOf(readJws(splitSdJwt(sdJwt).jwt).payload), fields: disclosableIn(sdJwt) }],
  );
}
