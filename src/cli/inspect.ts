/** `handsel inspect FILE…`: prints any artefact of the project in readable form; private keys are never among what is printed. */
import { open, readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { inspectBytes, MAX_INSPECTED_BYTES } from './inspect/inspect-bytes.ts';
import { inspectJournal, isSqlite } from './inspect/inspect-journal.ts';
import type { Inspection } from './inspect/inspection.ts';
import { printInspection } from './inspect/print-inspection.ts';

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

/** The size is asked first, so that naming a disk image by mistake costs nothing. */
async function inspectFile(file: string): Promise<readonly Inspection[]> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    if (found.isDirectory()) throw new HandselError('INSPECT_FOLDER', `${file} is a folder: name the files in it`);
    if (!found.isFile()) throw new HandselError('INSPECT_NO_FILE', `${file} is no file that could be read to an end`);
    const first = new Uint8Array(16);
    await handle.read(first, 0, first.length, 0);
    if (isSqlite(first)) return [inspectJournal(file)];
    if (found.size > MAX_INSPECTED_BYTES) {
      throw new HandselError(
        'INSPECT_TOO_LARGE',
        `${file} has ${found.size} bytes; at most ${MAX_INSPECTED_BYTES} are inspected`,
      );
    }
  } finally {
    await handle.close();
  }
  return inspectBytes(new Uint8Array(await readFile(file)), file);
}
