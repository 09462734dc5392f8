/**
 * What one party trusts in the SET world, and keeps between messages: roots, the newest BrandCRLIdentifier of each brand, the
 * revocation lists it names, and paths validated before. Everything listed must be held and current, or nothing of the brand is
 * relied on (notes on SET, "CRL, BCI"; fix 18: current by a local maximum age, not by the sender's word).
 */
import { equalBytes, toHex } from '../../codec/hex.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { sameName } from '../../pki/name.ts';
import { collectChain, recheckPath, type ValidatedPath } from '../../pki/path.ts';
import { createPathCache, type PathRequest } from '../../pki/path-cache.ts';
import { PkiError } from '../../pki/pki-error.ts';
import type { RevocationList } from '../../pki/revocation-list.ts';
import { createRevocationStore } from '../../pki/revocation-store.ts';
import { type BrandCrlIdentifier, verifyBrandCrlIdentifier } from './brand-crl-identifier.ts';
import type { CertificateType } from './certificate-extensions.ts';
import { requireNextRoot, typesOf, validateSetPath } from './set-path.ts';
import { makeThumbs } from './thumbprint.ts';

const CLOCK_SKEW_MS = 300_000;
const MAX_LISTS = 64;
/** What a chain is looked for in; authorities of our own news come first, so that a peer cannot crowd them out. */
const MAX_POOL = 64;

export interface SetPathRequest extends PathRequest {
  readonly brandId: string;
  readonly holder: CertificateType;
}

export interface RevocationNews {
  readonly brandCrlIdentifier?: BrandCrlIdentifier;
  readonly revocationLists: readonly RevocationList[];
  /** Certificates of those who signed the news, and their issuers, in any order. */
  readonly certificates: readonly Certificate[];
  readonly brandId: string;
  readonly atMs: number;
}

export interface BrandNews {
  readonly identifier: BrandCrlIdentifier;
  readonly lists: readonly RevocationList[];
}

export interface SetTrust {
  /** @throws PkiError unless path, SET's rules, time and revocation all hold. A path seen before costs no signature check. */
  validate(request: SetPathRequest): ValidatedPath;
  /** Takes a newer BrandCRLIdentifier, newer lists and an announced root; older ones are passed over. @throws PkiError or SetError when forged. */
  learn(news: RevocationNews): void;
  /** Trusts a root whose key a trusted root announced. @throws PkiError `PKI_SET_ROOT` */
  learnRoot(next: Certificate, atMs: number): void;
  /** The Thumbs field about what is held of a brand; undefined when nothing is. */
  thumbs(brandId: string): Uint8Array | undefined;
  /** The newest BrandCRLIdentifier of a brand and the lists it names, to be passed on to a peer that lacks them. */
  news(brandId: string): BrandNews | undefined;
  readonly roots: readonly Certificate[];
}

export interface SetTrustOptions {
  readonly roots: readonly Certificate[];
  /** How old revocation news may be, whatever it says of itself. */
  readonly maxAgeMs: number;
  readonly maxPaths?: number;
}

interface HeldIdentifier {
  readonly identifier: BrandCrlIdentifier;
  readonly signer: ValidatedPath;
}

export function createSetTrust(options: SetTrustOptions): SetTrust {
  const { maxAgeMs, maxPaths = 4096 } = options;
  const roots = [...options.roots];
  const lists = createRevocationStore({ maxAgeMs });
  const identifiers = new Map<string, HeldIdentifier>();
  /** Authorities whose lists are held, by thumb: peers need not send them, for nothing is relied on without those lists. */
  const authorities = new Map<string, Certificate>();
  /** Until when everything the brand's identifier names is current; made anew after each learning. */
  const currentUntil = new Map<string, number>();

  const cache = createPathCache({
    maxEntries: maxPaths,
    contextOf: ({ brandId, holder }: SetPathRequest) => `${holder}:${brandId}`,
    validate: (request) => validateSetPath({ ...request, chain: chainOf(request.leaf, request.pool), roots }),
    recheck(path, { brandId, atMs }) {
      recheckPath(path, atMs, lists);
      requireCurrent(brandId, atMs);
    },
  });

  function chainOf(leaf: Certificate, pool: readonly Certificate[]): readonly Certificate[] {
    return collectChain(leaf, [...roots, ...authorities.values(), ...pool].slice(0, MAX_POOL));
  }

  function requireCurrent(brandId: string, atMs: number): void {
    const held = identifiers.get(brandId);
    if (held === undefined) throw unknown('no brand CRL identifier is held');
    let untilMs = currentUntil.get(brandId);
    if (untilMs === undefined) {
      untilMs = currentUntilMs(held.identifier);
      currentUntil.set(brandId, untilMs);
    }
    if (atMs > untilMs) throw unknown('the brand CRL identifier or a list it names is no longer current');
    recheckPath(held.signer, atMs, lists);
  }

  /** @throws PkiError when a list named is missing, or older than the one named */
  function currentUntilMs(identifier: BrandCrlIdentifier): number {
    const ends = identifier.lists.map(({ issuer, number }) => {
      const list = lists.newest(issuer);
      if (list === undefined || list.number < number) throw unknown('a revocation list the brand names is missing');
      return lists.currentUntilMs(list);
    });
    return Math.min(identifier.notAfter.getTime(), identifier.notBefore.getTime() + maxAgeMs, ...ends);
  }

  function learnIdentifier(identifier: BrandCrlIdentifier, { certificates, brandId, atMs }: RevocationNews): void {
    const before = identifiers.get(brandId)?.identifier;
    if (before !== undefined && before.sequenceNumber >= identifier.sequenceNumber) return;
    if (identifier.brandId !== brandId) throw new PkiError('PKI_SET_BRAND', 'brand CRL identifier is of another brand');
    if (identifier.notBefore.getTime() > atMs + CLOCK_SKEW_MS) throw unknown('brand CRL identifier is from the future');
    const leaf = certificates.find(({ serial, ca }) => ca && serial === identifier.signerSerial);
    if (leaf === undefined) throw unknown('the certificate of the brand CA did not come along');
    const chain = chainOf(leaf, certificates);
    const signer = validateSetPath({ chain, roots, atMs, brandId, holder: 'brandCa', purpose: 'crl-signing' });
    verifyBrandCrlIdentifier(identifier, signer.leaf);
    identifiers.set(brandId, { identifier, signer });
  }

  function learnList(list: RevocationList, { certificates, brandId, atMs }: RevocationNews): void {
    const known = lists.newest(list.issuer);
    if (known !== undefined && (known.number > list.number || equalBytes(known.der, list.der))) return;
    if (list.thisUpdate.getTime() > atMs + CLOCK_SKEW_MS) throw unknown('a revocation list is from the future');
    const issuer = [...roots, ...certificates].find(
      ({ subject, serial }) => serial === list.issuerSerial && sameName(subject, list.issuer),
    );
    if (issuer === undefined) throw unknown('the issuer of a revocation list did not come along');
    // Its own revocation is not asked here: that would need the lists being learnt. It is asked whenever a path is used.
    if (!roots.includes(issuer)) {
      const [holder] = typesOf(issuer);
      if (holder === undefined) throw new PkiError('PKI_SET_TYPE', 'the issuer of a revocation list is nobody in SET');
      const chain = chainOf(issuer, certificates);
      validateSetPath({ chain, roots, atMs, brandId, holder, purpose: 'crl-signing' });
    }
    lists.add(list, issuer);
    authorities.set(toHex(issuer.thumb), issuer);
  }

  function newsOf(brandId: string): BrandNews | undefined {
    const held = identifiers.get(brandId);
    if (held === undefined) return undefined;
    const named = held.identifier.lists.flatMap(({ issuer }) => lists.newest(issuer) ?? []);
    return { identifier: held.identifier, lists: named };
  }

  function learnRoot(next: Certificate, atMs: number): void {
    if (roots.some((root) => equalBytes(root.der, next.der))) return;
    const current = roots.at(-1);
    if (current === undefined) throw new PkiError('PKI_SET_ROOT', 'no root is trusted yet');
    requireNextRoot(current, next, atMs);
    roots.push(next);
  }

  /** A new root may come along with the news; one that nobody announced is merely passed over. */
  function learnAnnounced(certificate: Certificate, atMs: number): void {
    if (!typesOf(certificate).has('rootCa')) return;
    try {
      learnRoot(certificate, atMs);
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
    }
  }

  return {
    roots,
    learnRoot,
    validate: (request) => cache.validate(request),
    learn(news) {
      if (news.revocationLists.length > MAX_LISTS) throw new PkiError('PKI_CRL_INVALID', 'too many revocation lists');
      currentUntil.clear();
      for (const certificate of news.certificates) learnAnnounced(certificate, news.atMs);
      for (const list of news.revocationLists) learnList(list, news);
      if (news.brandCrlIdentifier !== undefined) learnIdentifier(news.brandCrlIdentifier, news);
    },
    thumbs(brandId) {
      const news = newsOf(brandId);
      return news === undefined
        ? undefined
        : makeThumbs({ revocationLists: news.lists, brandCrlIdentifiers: [news.identifier] });
    },
    news: newsOf,
  };
}

function unknown(message: string): PkiError {
  return new PkiError('PKI_REVOCATION_UNKNOWN', message);
}
