/**
 * Serves a package as any web server would: ranges, an entity tag, and the file as it lies there. Nothing about it depends on the buyer, so
 * caches and content networks may serve it as well (ERI-I).
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { downloadHead, requestedRange } from '../../transport/byte-range.ts';
import type { Request, Response } from '../../transport/route.ts';

export interface ServedPackage {
  readonly file: string;
  /** Digest of its manifest, hexadecimal: the file never changes under it. */
  readonly package: string;
}

const MEDIA_TYPE = 'application/vnd.handsel.package';
/** Larger than Node's default: fewer turns for the same bytes. */
const CHUNK = 262_144;
const NOTHING = new Uint8Array();

/** @throws TransportError `RANGE_NOT_SATISFIABLE`; the file system's error when the file is gone */
export async function servePackage(
  request: Pick<Request, 'header'>,
  { file, package: of }: ServedPackage,
): Promise<Response> {
  const tag = `"${of}"`;
  const lasting = { etag: tag, 'cache-control': 'public, max-age=31536000, immutable' };
  if (names(request.header('if-none-match'), tag)) {
    return { status: 304, contentType: MEDIA_TYPE, headers: { ...lasting, 'content-length': '0' }, body: NOTHING };
  }
  const { size } = await stat(file);
  // RFC 9110 section 13.1.5: a range of another version is no use to whoever asks.
  const condition = request.header('if-range');
  const range =
    condition === undefined || condition === tag ? requestedRange(request.header('range'), size) : undefined;
  const { status, headers } = downloadHead(range, size);
  const span = range === undefined ? {} : { start: range.start, end: range.end };
  return {
    ...{ status, contentType: MEDIA_TYPE, headers: { ...headers, ...lasting } },
    body: createReadStream(file, { ...span, highWaterMark: CHUNK }),
  };
}

function names(header: string | undefined, tag: string): boolean {
  return (
    header !== undefined &&
    (header === '*' || header.split(',').some((item) => item.trim().replace(/^W\//, '') === tag))
  );
}
