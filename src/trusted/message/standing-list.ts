/**
 * How an authority says that a credential of its own does not count any more. Each authority keeps one list, a chain of numbered changes like
 * the lists of the untrusted; its agent signs the hash of the whole chain with the time, so that whoever has some version can take what is
 * newer from anybody, and knows how old it is. A list names credentials by the hash that is their number: it says nothing of their holders.
 */
import type { KeyObject } from 'node:crypto';
import { encodeCbor } from '../../codec/cbor.ts';
import { concatBytes, toHex, utf8 } from '../../codec/hex.ts';
import { row } from '../../codec/row-shape.ts';
import { bytes, list, oneOf, type Shaped, whole } from '../../codec/shape.ts';
import { signCompact, verifyCompact } from '../../crypto/compact-key.ts';
import { sha256 } from '../../crypto/digest.ts';
import { RAW_SIGNATURE_LENGTH } from '../../crypto/raw-signature.ts';
import { CryptographicError } from '../../handsel-error.ts';
import { type AgentId, agentIdShape, formatAgentId } from './agent-id.ts';
import { type AgentCertificate, agentCertificateShape } from './certificate.ts';
import { dayOf, dayShape } from './day.ts';
import type { TrustLists } from './trust-lists.ts';
import { TrustedError } from './trusted-error.ts';
import { requireTrustedAgent, validateAgentCertificate } from './validate-certificate.ts';

/** `replaced`: revalidated or issued anew, so that the older one is worth nothing in a copied device. */
export const listedStandings = ['good', 'suspended', 'revoked', 'replaced'] as const;
export type ListedStanding = (typeof listedStandings)[number];

const changeShape = row({
  ticketId: bytes({ min: 16, max: 16 }),
  standing: oneOf(...listedStandings),
  onDay: dayShape(),
});
export type StandingChange = Shaped<typeof changeShape>;

/** Changes in one message; who is further behind asks again. */
export const maxStandingChanges = 10_000;

const headFields = {
  issuer: agentIdShape(),
  /** The changes follow on this version. */
  after: whole({ max: 0xffff_ffff }),
  /** Unix seconds: so it stood then. */
  atS: whole({ max: 0xffff_ffff }),
};

export const standingUpdateShape = row({
  ...headFields,
  changes: list(changeShape, { max: maxStandingChanges }),
  by: agentCertificateShape(),
  signature: bytes({ min: RAW_SIGNATURE_LENGTH, max: RAW_SIGNATURE_LENGTH }),
});
export type StandingUpdate = Shaped<typeof standingUpdateShape>;

/** A list as whoever goes by it keeps it. */
export interface KnownStandings {
  readonly issuer: AgentId;
  version: number;
  head: Uint8Array;
  /** Unix seconds. */
  atS: number;
  /** By the credential's name, hexadecimal: what is not here is good. */
  readonly listed: Map<string, ListedStanding>;
}

export function newStandings(issuer: AgentId): KnownStandings {
  return { issuer, version: 0, head: new Uint8Array(32), atS: 0, listed: new Map() };
}

const LABEL = utf8('Handsel standing list 1');

export function nextStandingHead(head: Uint8Array, change: StandingChange): Uint8Array {
  return sha256(LABEL, head, encodeCbor(changeShape.encode(change)));
}

interface Head {
  readonly issuer: AgentId;
  readonly version: number;
  readonly atS: number;
  readonly head: Uint8Array;
}

const headText = ({ issuer, version, atS, head }: Head) => concatBytes(LABEL, encodeCbor([issuer, version, atS, head]));

/** By the authority's agent: what follows on a version. `changes` are all that there ever were. */
export function signStandings(options: {
  readonly changes: readonly StandingChange[];
  readonly head: Uint8Array;
  readonly after: number;
  readonly atS: number;
  readonly by: { readonly certificate: AgentCertificate; readonly privateKey: KeyObject };
}): StandingUpdate {
  const { changes, after, atS, by } = options;
  const issuer = by.certificate.agentId;
  const page = changes.slice(after, after + maxStandingChanges);
  const version = after + page.length;
  const whole = version >= changes.length;
  const head = whole ? options.head : changes.slice(0, version).reduce(nextStandingHead, new Uint8Array(32));
  const signature = signCompact(
    by.privateKey,
    headText({ issuer, version: whole ? changes.length : version, atS, head }),
  );
  return { issuer, after, atS, changes: page, by: by.certificate, signature };
}

/**
 * What a list says once the update is taken in; the list given stays as it is.
 * @throws TrustedError `LIST_STALE` when it does not follow on, `CERTIFICATE_…`, `PARTY_UNTRUSTED`; CryptographicError for a wrong signature
 */
export function checkStandings(
  known: KnownStandings,
  update: StandingUpdate,
  { lists, nowMs }: { readonly lists: TrustLists; readonly nowMs: number },
): void {
  const { issuer, after, atS, by, changes, signature } = update;
  if (issuer !== known.issuer || by.agentId !== issuer || by.kind !== 'authority') {
    throw new TrustedError('CERTIFICATE_UNFIT', `a list of ${formatAgentId(issuer)} that it did not sign`);
  }
  if (after !== known.version) {
    throw new TrustedError('LIST_STALE', `changes that follow on version ${after} instead of ${known.version}`);
  }
  if (atS < known.atS || atS * 1000 > nowMs + CLOCK_ERROR_MS) {
    throw new TrustedError('LIST_STALE', 'a list from another time');
  }
  validateAgentCertificate(by, { lists, onDay: dayOf(atS * 1000) });
  requireTrustedAgent(by, lists);
  const head = changes.reduce(nextStandingHead, known.head);
  const version = after + changes.length;
  if (!verifyCompact(by.publicKey, headText({ issuer, version, atS, head }), signature)) {
    throw new CryptographicError(new Error(`version ${version} of the list of ${formatAgentId(issuer)} is not signed`));
  }
}

const CLOCK_ERROR_MS = 900_000;

/** Takes in what was checked. Mutates the list. */
export function foldStandings(known: KnownStandings, { changes, atS }: Pick<StandingUpdate, 'changes' | 'atS'>): void {
  for (const change of changes) {
    known.head = nextStandingHead(known.head, change);
    known.version += 1;
    const ticketId = toHex(change.ticketId);
    if (change.standing === 'good') known.listed.delete(ticketId);
    else known.listed.set(ticketId, change.standing);
  }
  known.atS = atS;
}
