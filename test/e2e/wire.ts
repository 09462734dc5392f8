/** Reading what crossed the wire: which messages, in which order, and whether something can be seen in their bytes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TracedMessage } from '../../src/transport/trace.ts';

export interface Wire {
  /** The place of the first such message, e.g. `market → customer payment-start`. @throws when there is none */
  at(spoken: string): number;
  first(spoken: string): TracedMessage;
  all(spoken: string): readonly TracedMessage[];
  readonly spoken: readonly string[];
}

export function wireOf(messages: readonly TracedMessage[]): Wire {
  const spoken = messages.map(({ from, to, kind }) => `${from} → ${to} ${kind}`);
  const at = (wanted: string) => {
    const place = spoken.indexOf(wanted);
    if (place < 0) throw new Error(`no ${wanted} in: ${spoken.join(', ')}`);
    return place;
  };
  return {
    at,
    spoken,
    first: (wanted) => messages[at(wanted)]!,
    all: (wanted) => messages.filter((_, place) => spoken[place] === wanted),
  };
}

export const contains = (bytes: Uint8Array, secret: Uint8Array | string) =>
  Buffer.from(bytes).includes(Buffer.from(secret as Uint8Array));

/** The files below a folder that hold the bytes somewhere. */
export function filesWith(folder: string, secret: Uint8Array | string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => contains(readFileSync(file), secret));
}
