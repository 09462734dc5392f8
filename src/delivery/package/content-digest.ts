/** Length and SHA-256 of a content file: what its description states. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const CHUNK = 262_144;

export interface StatedContent {
  readonly length: number;
  readonly content: Uint8Array;
}

export async function contentOf(file: string): Promise<StatedContent> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK }) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { length, content: new Uint8Array(hash.digest()) };
}
