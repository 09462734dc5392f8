/**
 * Fetches what the agency has published about revocation, at the start when what is held is old, and then again and again. It counts
 * only when the agency's own signatures hold; without an answer the files go on counting until they are too old (fix 18).
 */
import { fromUtf8 } from '../../codec/hex.ts';
import type { Clock } from '../../journal/clock.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { fromPemLabelled, toPem } from '../../pki/pem.ts';
import { readRevocationList } from '../../pki/revocation-list.ts';
import { readBrandCrlIdentifier } from '../../set/message/brand-crl-identifier.ts';
import type { Client } from '../../transport/client.ts';
import type { Log } from '../../transport/log.ts';
import { TransportError } from '../../transport/transport-error.ts';
import type { SetTrustFiles } from '../configuration/configuration.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { LoadedTrust } from './set-trust-files.ts';

const HOUR_MS = 3_600_000;
/** The agency publishes anew every day. */
const OLD_MS = 25 * HOUR_MS;
const START_WAIT_MS = 5000;
const PUBLIC_MODE = 0o644;

export interface TrustFreshness {
  readonly trust: LoadedTrust;
  readonly files: SetTrustFiles;
  readonly brandId: string;
  readonly path: (relative: string) => string;
  readonly client: Pick<Client, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Default one hour. */
  readonly everyMs?: number;
}

/** Returns what ends it. Waits for the agency, and not for long, only when what is held is old. */
export async function keepTrustFresh(options: TrustFreshness): Promise<() => void> {
  const { trust, files, brandId, clock, log, everyMs = HOUR_MS } = options;
  const refresh = async (waitMs?: number) => {
    try {
      if (files.agency === undefined) trust.reload();
      else await fetchNews(files.agency, options, waitMs === undefined ? undefined : AbortSignal.timeout(waitMs));
    } catch (err) {
      log.warn({ err }, 'there is no news of the agency: what is held counts until it is too old');
    }
  };
  const heldMs = trust.setTrust.news(brandId)?.identifier.notBefore.getTime() ?? 0;
  if (clock.nowMs() - heldMs > OLD_MS) await refresh(START_WAIT_MS);

  let ended = false;
  let cancel = () => {};
  const again = () => {
    if (!ended) cancel = clock.after(everyMs, () => void refresh().then(again));
  };
  again();
  return () => {
    ended = true;
    cancel();
  };
}

/** The identifier is asked for first: lists fetched after it are at least as new as those it names. */
async function fetchNews(
  agencyUrl: string,
  { trust, files, brandId, path, client, clock }: TrustFreshness,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fetched = async (what: string) => {
    const { status, body } = await client.get(`${agencyUrl}/${what}/${encodeURIComponent(brandId)}`, signal);
    if (status !== 200) throw new TransportError('PEER_BUSY', `the agency answered with status ${status}`);
    return body;
  };
  const identifier = readBrandCrlIdentifier(await fetched('bci'));
  const [crl, authorities] = await Promise.all([fetched('crl'), fetched('certificates')]);
  const certificates = fromPemLabelled(fromUtf8(authorities), 'CERTIFICATE').map((der) => readCertificate(der));
  const revocationLists = fromPemLabelled(fromUtf8(crl), 'X509 CRL').map((der) => readRevocationList(der));
  const held = trust.setTrust.news(brandId)?.identifier.sequenceNumber ?? -1n;
  trust.setTrust.learn({
    ...{ brandCrlIdentifier: identifier, revocationLists, certificates, brandId },
    atMs: clock.nowMs(),
  });
  const news = trust.setTrust.news(brandId);
  if (news === undefined || news.identifier.sequenceNumber <= held) return;
  // What is held has been verified; what came may hold more than that.
  replaceFile(path(files.authorities), pemOf('CERTIFICATE', certificates), PUBLIC_MODE);
  replaceFile(path(files.revocationLists), pemOf('X509 CRL', news.lists), PUBLIC_MODE);
  replaceFile(path(files.brandCrlIdentifier), news.identifier.der, PUBLIC_MODE);
}

function pemOf(label: 'CERTIFICATE' | 'X509 CRL', items: readonly { readonly der: Uint8Array }[]): string {
  return items.map(({ der }) => toPem(label, der)).join('');
}
