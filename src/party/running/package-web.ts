/**
 * Where packages are fetched from: any web server, over TLS with a certificate of the open web or of this network, or in clear, because
 * everything in a package is signed and encrypted. No certificate of ours is shown, and no redirect followed.
 */
import { rootCertificates } from 'node:tls';
import type { FetchRange } from '../../delivery/package/ranges.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { toPem } from '../../pki/pem.ts';
import { createClient } from '../../transport/client.ts';

export interface PackageWeb {
  readonly fetch: FetchRange;
  /** Cuts every connection. */
  close(): void;
}

const LIMITS = { maxBytes: 1 << 20, timeoutMs: 20_000 };

/** @param options `name` is for traces; `anchors` are trusted besides the well-known ones */
export function openPackageWeb({
  name,
  anchors,
}: {
  readonly name: string;
  readonly anchors: readonly Certificate[];
}): PackageWeb {
  const own = anchors.map(({ der }) => toPem('CERTIFICATE', der));
  const anchorsPem = [...rootCertificates, ...own].join('\n');
  const plain = createClient({ name, limits: LIMITS });
  const secure = createClient({ name, limits: LIMITS, tls: { anchorsPem } });
  return {
    fetch: (url, { start, end }, signal) =>
      (url.startsWith('https:') ? secure : plain).download(url, { from: start, to: end - 1 }, signal),
    close() {
      plain.close();
      secure.close();
    },
  };
}
