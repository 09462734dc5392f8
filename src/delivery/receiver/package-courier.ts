/**
 * Downloads and opens packages for the receiver's machine. What takes longer than an attempt of the outbox goes on, and the next attempt
 * waits for the same work; after a restart it goes on where the files are.
 */
import { join } from 'node:path';
import { toHex } from '../../codec/hex.ts';
import { decodeShape, encodeShape, linkOf, readMessage } from '../../crypto/signed-message.ts';
import type { Courier } from '../../journal/courier.ts';
import type { Outgoing } from '../../journal/machine.ts';
import { DeliveryError } from '../message/delivery-error.ts';
import { manifestType } from '../message/manifest.ts';
import { fetchPackage, recheckPackage } from '../package/fetch-package.ts';
import { openFile } from '../package/open-file.ts';
import { segmentEvidenceOf } from '../package/package-file.ts';
import type { FetchRange } from '../package/ranges.ts';
import { type Downloaded, downloadedType, downloadType, type Opened, openedType, openType } from './errand.ts';

export interface PackageCourierOptions {
  readonly fetch: FetchRange;
  /** Where packages are kept until they are opened, named by their digests. */
  readonly packages: string;
  /** The file the content of a purchase goes to: of the composition's naming, never a merchant's. */
  contentFile(reference: string): string;
  readonly stalledMs?: number;
  readonly pauseMs?: number;
}

export interface PackageCourier extends Courier {
  /** Ends all work; what was done so far is kept. */
  stop(): Promise<void>;
}

/** For the routes that begin with `local:packages`. */
export function createPackageCourier(options: PackageCourierOptions): PackageCourier {
  const running = new Map<string, Promise<Uint8Array>>();
  /** Two purchases of one package share its file: one after the other. */
  const inTurn = createTurns();
  const stopping = new AbortController();

  const work = (message: Outgoing): Promise<Uint8Array> => {
    const known = running.get(message.id);
    if (known !== undefined) return known;
    const begun = inTurn(packageOf(message), () => perform(message, options, stopping.signal)).finally(() =>
      running.delete(message.id),
    );
    running.set(message.id, begun);
    return begun;
  };
  return {
    deliver: async (message) => ({ type: 'answered', body: await work(message) }),
    async stop() {
      stopping.abort(new DeliveryError('DOWNLOAD_FAILED', 'this party stops'));
      await Promise.allSettled(running.values());
    },
  };
}

/** Names the file that is worked on. */
function packageOf({ kind, body }: Outgoing): string {
  const { manifest } = kind === downloadType.name ? decodeShape(downloadType, body) : decodeShape(openType, body);
  return toHex(linkOf(manifest));
}

/** Work of the same name begins when what was asked for before has ended, however that did. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = last.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (last.get(name) === mine) last.delete(name);
    }
  };
}

async function perform(
  { kind, body }: Outgoing,
  options: PackageCourierOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return kind === downloadType.name
    ? encodeShape(downloadedType, await downloadFor(body, options, signal))
    : encodeShape(openedType, await openFor(body, options, signal));
}

async function downloadFor(
  body: Uint8Array,
  { packages, ...options }: PackageCourierOptions,
  signal: AbortSignal,
): Promise<Downloaded> {
  const { manifest: bytes, urls, recheck } = decodeShape(downloadType, body);
  const { value: manifest } = readMessage(manifestType, bytes);
  const wanted = { ...options, urls, bytes, manifest, signal, target: packageFile(packages, bytes) };
  if (recheck === 'yes') await recheckPackage(wanted);
  const fetched = await fetchPackage(wanted);
  return fetched.outcome === 'whole' ? { outcome: 'whole', segments: [] } : fetched;
}

async function openFor(
  body: Uint8Array,
  { packages, contentFile }: PackageCourierOptions,
  signal: AbortSignal,
): Promise<Opened> {
  const { manifest: bytes, productKey, reference } = decodeShape(openType, body);
  const { value: manifest } = readMessage(manifestType, bytes);
  const source = packageFile(packages, bytes);
  try {
    const content = await openFile({ source, target: contentFile(reference), bytes, manifest, productKey, signal });
    return { outcome: 'opened', content, length: manifest.length };
  } catch (cause) {
    if (isMissing(cause)) return { outcome: 'damaged' };
    if (!(cause instanceof DeliveryError)) throw cause;
    if (cause.code === 'PACKAGE_DAMAGED') return { outcome: 'damaged' };
    const { segment } = cause.detail;
    if (cause.code !== 'KEY_UNFIT' || typeof segment !== 'number') throw cause;
    return { outcome: 'does-not-open', segment: await segmentEvidenceOf(source, segment, { bytes, manifest }) };
  }
}

export function packageFile(folder: string, manifest: Uint8Array): string {
  return join(folder, `${toHex(linkOf(manifest))}.package`);
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT';
}
