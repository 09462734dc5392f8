/** `handsel inspect FILE…`: prints any artefact of the project in readable form; private keys are never among what is printed. */
import { type FileHandle, open } from 'node:fs/promises';
import { Command } from 'commander';
import { concatBytes } from '../codec/hex.ts';
import { HandselError } from '../handsel-error.ts';
import { inspectBytes, MAX_INSPECTED_BYTES } from './inspect/inspect-bytes.ts';
import { inspectJournal, isSqlite } from './inspect/inspect-journal.ts';
import type { Inspection } from './inspect/inspection.ts';
import { printInspection } from './inspect/print-inspection.ts';

const FIRST_BYTES = 16;
const CHUNK_BYTES = 64 * 1024;

const NOTES = `
Reads PEM and DER (certificates, requests, revocation lists, CMS, SET messages), CBOR and COSE, JSON, XML and other text, and
counts what is in journals. Secrets (keys, passwords, card numbers) are named and not shown. Exits 1 when something is none of these.
Nothing is verified: what is printed is what the file says, not what is true.`;

export function inspectCommand(write: (text: string) => void = (text) => void process.stdout.write(text)): Command {
  return new Command('inspect')
    .argument('<file...>', 'files to read')
    .option('--json', 'print one JSON array')
    .addHelpText('after', NOTES)
    .action(async (files: readonly string[], options: { json?: true }) => {
      const found: { file: string; artefact: Inspection }[] = [];
      for (const file of files) {
        for (const artefact of await inspectFile(file)) found.push({ file, artefact });
      }
      if (found.some(({ artefact }) => artefact.unreadable)) process.exitCode = 1;
      if (options.json)
        write(
          `${JSON.stringify(
            found.map(({ file, artefact }) => ({ file, ...artefact })),
            null,
            2,
          )}\n`,
        );
      else write(found.map(({ file, artefact }) => `${file}: ${printInspection(artefact)}`).join('\n'));
    });
}

async function inspectFile(file: string): Promise<readonly Inspection[]> {
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).isDirectory()) {
      throw new HandselError('INSPECT_FOLDER', `${file} is a folder: name the files in it`);
    }
    const first = await readUpTo(handle, FIRST_BYTES);
    if (isSqlite(first)) return [inspectJournal(file)];
    const rest = await readUpTo(handle, MAX_INSPECTED_BYTES);
    const bytes = concatBytes(first, rest);
    if (bytes.length > MAX_INSPECTED_BYTES) {
      throw new HandselError('INSPECT_TOO_LARGE', `${file} has more than the ${MAX_INSPECTED_BYTES} bytes to inspect`);
    }
    return inspectBytes(bytes, file);
  } finally {
    await handle.close();
  }
}

/** Bounded by what is read, not by the size that is stated: a pipe states none, and a disk image costs no more than this. */
async function readUpTo(handle: FileHandle, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let left = most; left > 0; ) {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(Math.min(left, CHUNK_BYTES)));
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    left -= bytesRead;
  }
  return concatBytes(...chunks);
}
