/**
 * Downloads a package from any web server and checks it as it comes: every segment against its digest, the digests against the signed
 * manifest. What is right is kept, also over a restart; what is wrong or missing is asked for again, and in the end named
 * (US 09/718,411, figure 4, point 4: "a re-sending can be ordered automatically"). Memory does not grow with the file.
 */
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import type { Manifest } from '../message/manifest.ts';
import { MAX_RUNS, type NotAccept, type SegmentRun } from '../message/resending.ts';
import { fetchSpan } from './fetch-range.ts';
import { type Layout, layoutOf, segmentSpan } from './layout.ts';
import { areDigestsOf, digestOf, findMissing } from './package-file.ts';
import { type FetchRange, RangeFailure } from './ranges.ts';
import { flushFolder } from './seal-file.ts';
import { readWholly, writeWholly } from './whole-reads.ts';

export interface PackageToFetch {
  readonly urls: readonly string[];
  /** The signed manifest, checked, and what it says. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  /** The finished file; until then there is `target` with `.part` at the end. One call at a time for a file. */
  readonly target: string;
  readonly fetch: FetchRange;
  readonly signal: AbortSignal;
  /** Tries that bring nothing, one after the other, before a URL is given up; default 3. */
  readonly tries?: number;
  /** Between such tries; default 500 ms, doubled each time. */
  readonly pauseMs?: number;
  /** Default 30 s. */
  readonly stalledMs?: number;
}

export type Fetched =
  | { readonly outcome: 'whole' }
  | { readonly outcome: 'faulty'; readonly fault: NotAccept['fault']; readonly segments: readonly SegmentRun[] };

/** @throws DeliveryError `STORE_FAILED` when this side cannot keep it; the signal's reason when that is aborted */
export async function fetchPackage(options: PackageToFetch): Promise<Fetched> {
  const { target, bytes, manifest } = options;
  const layout = layoutOf(bytes, manifest);
  if (await isFile(target)) return { outcome: 'whole' };
  return storing(async () => {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const partial = `${target}.part`;
    const file = await open(partial, (await isFile(partial)) ? 'r+' : 'w+', 0o600);
    try {
      const fetched = await fetchInto(file, options, layout);
      if (fetched.outcome === 'faulty') return fetched;
      await file.truncate(layout.size);
      await file.datasync();
      await rename(partial, target);
      await flushFolder(dirname(target));
      return fetched;
    } finally {
      await file.close();
    }
  });
}

/** Looks a finished file over again; what is damaged of it goes back to be fetched. True when it is whole. */
export async function recheckPackage({ target, bytes, manifest, signal }: PackageToFetch): Promise<boolean> {
  if (!(await isFile(target))) return false;
  return storing(async () => {
    const layout = layoutOf(bytes, manifest);
    const file = await open(target, 'r');
    try {
      const digests = await keptDigests(file, manifest, layout);
      const missing = digests && (await findMissing(file, { manifest, layout, digests, signal }));
      if (missing?.length === 0) return true;
    } finally {
      await file.close();
    }
    await rename(target, `${target}.part`);
    return false;
  });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** What goes wrong with the disk is nobody else's fault: it is tried again when there is room. */
async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const ofTheDisk = /^(ENOSPC|EDQUOT|EIO|EACCES|EPERM|EROFS|EMFILE|ENFILE|ENOENT|EISDIR|ENOTDIR)$/.test(code);
    if (!ofTheDisk) throw cause;
    throw new DeliveryError('STORE_FAILED', `the package cannot be kept: ${code}`, { cause });
  }
}

async function fetchInto(file: FileHandle, options: PackageToFetch, layout: Layout): Promise<Fetched> {
  const { manifest, signal } = options;
  const digests = (await keptDigests(file, manifest, layout)) ?? (await fetchDigests(file, options, layout));
  if (digests instanceof RangeFailure) return { outcome: 'faulty', fault: digests.fault, segments: [] };
  let missing = await findMissing(file, { manifest, layout, digests, signal });
  let fault: NotAccept['fault'] = 'unreachable';
  for (const url of options.urls) {
    for (let tries = 0; missing.length > 0 && tries < (options.tries ?? 3); ) {
      if (tries > 0) await pause((options.pauseMs ?? 500) * 2 ** (tries - 1), undefined, { signal });
      const got = await fetchRuns(missing, { ...options, url, file, layout, digests });
      if (got.fault !== undefined) fault = got.fault;
      // Whoever brings something is asked on at once.
      tries = count(got.still) < count(missing) ? 0 : tries + 1;
      missing = got.still;
    }
  }
  if (missing.length === 0) return { outcome: 'whole' };
  return { outcome: 'faulty', fault, segments: missing.length <= MAX_RUNS ? missing : [] };
}

const count = (runs: readonly SegmentRun[]) => runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** Of an earlier attempt. */
async function keptDigests(file: FileHandle, manifest: Manifest, layout: Layout): Promise<Uint8Array | undefined> {
  const { start, end } = layout.digests;
  if ((await file.stat()).size < end) return undefined;
  const digests = new Uint8Array(end - start);
  await readWholly(file, digests, start);
  return areDigestsOf(manifest, digests) ? digests : undefined;
}

/** Head and digests from the first URL that has the right ones; the failure of the last one otherwise. */
async function fetchDigests(
  file: FileHandle,
  options: PackageToFetch,
  layout: Layout,
): Promise<Uint8Array | RangeFailure> {
  const { manifest, fetch, signal, stalledMs = 30_000, tries = 3, pauseMs = 500 } = options;
  let failure = new RangeFailure('unreachable', 'there is no address to fetch it from');
  for (const url of options.urls) {
    for (let attempt = 0; attempt < tries; attempt++) {
      try {
        const beginning = new Uint8Array(layout.digests.end);
        let at = 0;
        await fetchSpan(
          { fetch, url, stalledMs, signal },
          { start: 0, end: beginning.length },
          layout.size,
          (piece) => {
            beginning.set(piece, at);
            at += piece.length;
          },
        );
        const digests = beginning.subarray(layout.digests.start);
        if (!equalBytes(beginning.subarray(0, layout.digests.start), layout.head) || !areDigestsOf(manifest, digests)) {
          throw new RangeFailure('package', 'another package is there');
        }
        await writeWholly(file, beginning, 0);
        return digests;
      } catch (cause) {
        if (!(cause instanceof RangeFailure)) throw cause;
        failure = cause;
        if (failure.fault === 'package') break;
        if (attempt + 1 < tries) await pause(pauseMs * 2 ** attempt, undefined, { signal });
      }
    }
  }
  return failure;
}

interface Fetching extends PackageToFetch {
  readonly url: string;
  readonly file: FileHandle;
  readonly layout: Layout;
  readonly digests: Uint8Array;
}

/** Each run in one request. What is still missing afterwards, and why. */
async function fetchRuns(
  runs: readonly SegmentRun[],
  fetching: Fetching,
): Promise<{ readonly still: readonly SegmentRun[]; readonly fault?: NotAccept['fault'] }> {
  const { fetch, url, signal, stalledMs = 30_000, manifest, layout } = fetching;
  const still: SegmentRun[] = [];
  let fault: NotAccept['fault'] | undefined;
  for (const [at, { first, last }] of runs.entries()) {
    const sink = createSegmentSink(first, fetching);
    const span = { start: segmentSpan(first, manifest, layout).start, end: segmentSpan(last, manifest, layout).end };
    let failure: RangeFailure | undefined;
    try {
      await fetchSpan({ fetch, url, stalledMs, signal }, span, layout.size, sink.take);
    } catch (cause) {
      if (!(cause instanceof RangeFailure)) throw cause;
      failure = cause;
    }
    still.push(...sink.wrong);
    if (sink.wrong.length > 0) fault = 'segments';
    if (failure !== undefined) {
      if (sink.next <= last) still.push({ first: sink.next, last });
      // Whoever fails us once in this round is not asked for the rest of it.
      return { still: [...still, ...runs.slice(at + 1)], fault: fault ?? failure.fault };
    }
  }
  return fault === undefined ? { still } : { still, fault };
}

/** Takes the segments of a run in order, each held until it is whole, and keeps those that are right. */
function createSegmentSink(first: number, { file, layout, digests, manifest }: Fetching) {
  const wrong: { first: number; last: number }[] = [];
  const buffer = new Uint8Array(segmentSpan(0, manifest, layout).end - layout.digests.end);
  let number = first;
  let filled = 0;

  const finish = async (start: number, sealed: Uint8Array) => {
    if (equalBytes(sha256(sealed), digestOf(number, digests))) await writeWholly(file, sealed, start);
    else if (wrong.at(-1)?.last === number - 1) wrong.at(-1)!.last = number;
    else wrong.push({ first: number, last: number });
  };
  return {
    wrong: wrong as readonly SegmentRun[],
    /** The first segment that is not finished. */
    get next() {
      return number;
    },
    async take(piece: Uint8Array): Promise<void> {
      for (let at = 0; at < piece.length; ) {
        const { start, end } = segmentSpan(number, manifest, layout);
        const part = piece.subarray(at, at + end - start - filled);
        buffer.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < end - start) return;
        await finish(start, buffer.subarray(0, filled));
        number++;
        filled = 0;
      }
    },
  };
}
