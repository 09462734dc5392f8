/** `handsel delivery check`: whether a package file is whole, and whose it is, offline and without its key (ERI-I). */
import { open } from 'node:fs/promises';
import { Command } from 'commander';
import { toHex } from '../codec/hex.ts';
import { linkOf } from '../crypto/signed-message.ts';
import { manifestType } from '../delivery/message/manifest.ts';
import { atItsTime, readSigned } from '../delivery/message/signed-by.ts';
import { layoutOf } from '../delivery/package/layout.ts';
import { findMissing, manifestOfFile, readDigests } from '../delivery/package/package-file.ts';
import { anchorsTrust } from './communication-anchors.ts';
import type { GlobalOptions } from './global-options.ts';
import { createProgressLine } from './progress-line.ts';

interface CheckOptions extends GlobalOptions {
  readonly anchors?: string;
}

export function deliveryCheckCommand(write: (text: string) => void): Command {
  return new Command('check')
    .description('check a package: the signature over it, and every segment; exits 1 when any of it is wrong')
    .argument('<file>', 'a package')
    .option('--anchors <file>', "certificates of the trusted root, PEM (default: those of this network's customer)")
    .action(async (file: string, options: CheckOptions) => {
      const bytes = await manifestOfFile(file);
      const { value: manifest, signer } = readSigned(manifestType, bytes, atItsTime(anchorsTrust(options)));
      const layout = layoutOf(bytes, manifest);
      const handle = await open(file, 'r');
      const progress = createProgressLine(options.json === true);
      try {
        const digests = await readDigests(handle, manifest, layout);
        const wrong = await findMissing(handle, {
          ...{ manifest, layout, digests },
          onChecked: (bytesChecked) => progress.show('checking', bytesChecked, layout.size),
        });
        progress.end();
        const { product, merchant, length, mediaType } = manifest;
        const found = {
          ...{ whole: wrong.length === 0, package: toHex(linkOf(bytes)), product, merchant, signedBy: signer.name },
          ...{ lengthBytes: length, mediaType, segments: layout.segments, wrong },
        };
        const runs = wrong.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ');
        const text = found.whole
          ? `whole: ${layout.segments} ${layout.segments === 1 ? 'segment' : 'segments'}`
          : `WRONG: segments ${runs} of ${layout.segments}`;
        write(
          options.json
            ? `${JSON.stringify(found)}\n`
            : `${text}\n  package   ${found.package}\n  product   ${product}, ${length} bytes, ${mediaType}\n  signed by ${signer.name}\n`,
        );
        if (!found.whole || signer.name !== merchant) process.exitCode = 1;
      } finally {
        await handle.close();
      }
    });
}
