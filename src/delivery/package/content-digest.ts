/** Length and SHA-256 of a content file: what its description states. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const CHUNK = 262_144;

export interface StatedContent {
  readonly length: number;
  readonly content: Uint8Array;
}

/** @param onRead told now and then how many bytes are read */
export async function contentOf(file: string, onRead?: (bytes: number) => void): Promise<StatedContent> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK }) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    length += chunk.length;
    onRead?.(length);
  }
  return { length, content: new Uint8Array(hash.digest()) };
}
