/** `handsel inspect FILE…`: prints any artefact of the project in readable form; private keys are never among what is printed. */
import { readFile, stat } from 'node:fs/promises';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { inspectBytes, MAX_INSPECTED_BYTES } from './inspect/inspect-bytes.ts';
import type { Inspection } from './inspect/inspection.ts';
import { printInspection } from './inspect/print-inspection.ts';

const NOTES = `
Reads PEM and DER (certificates, requests, revocation lists, CMS, SET messages), CBOR and COSE, and JSON.
Nothing is verified: what is printed is what the file says, not what is true.`;

export function inspectCommand(write: (text: string) => void = (text) => void process.stdout.write(text)): Command {
  return new Command('inspect')
    .argument('<file...>', 'files to read')
    .option('--json', 'print one JSON array')
    .addHelpText('after', NOTES)
    .action(async (files: readonly string[], options: { json?: true }) => {
      const found: { file: string; artefact: Inspection }[] = [];
      for (const file of files) {
        for (const artefact of inspectBytes(await readBounded(file))) found.push({ file, artefact });
      }
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
async function readBounded(file: string): Promise<Uint8Array> {
  const { size } = await stat(file);
  if (size > MAX_INSPECTED_BYTES) {
    throw new HandselError(
      'INSPECT_TOO_LARGE',
      `${file} has ${size} bytes; at most ${MAX_INSPECTED_BYTES} are inspected`,
    );
  }
  return new Uint8Array(await readFile(file));
}
