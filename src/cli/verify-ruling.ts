/** `handsel verify-ruling FILE`: whether an arbiter's ruling is right, by anybody, offline, without running a party (ERI-H). */
import { Command } from 'commander';
import { toHex } from '../codec/hex.ts';
import { decodeShape } from '../crypto/signed-message.ts';
import { verifyRuling } from '../delivery/arbiter/verify-ruling.ts';
import { bundleType } from '../delivery/message/ruling.ts';
import { contentOf } from '../delivery/package/content-digest.ts';
import { isTicketBundle, ticketBundleType } from '../trusted/message/ticket-ruling.ts';
import { anchorsTrust } from './communication-anchors.ts';
import type { GlobalOptions } from './global-options.ts';
import { readBounded } from './read-bounded.ts';
import { type CheckedBundle, rulingText } from './ruling-words.ts';
import { checkTicketBundle } from './verify-ticket-bundle.ts';

interface VerifyOptions extends GlobalOptions {
  readonly anchors?: string;
  readonly arbiter?: string;
  readonly content?: string;
  readonly primaryKeys?: string;
}

const EXAMPLES = `
Examples:
  $ handsel dispute ruling PAYMENT --out ruling.bundle
  $ handsel verify-ruling ruling.bundle
  $ handsel verify-ruling ruling.bundle --anchors root.pem --arbiter arbiter --content borders.json --json

Every reason is told with its basis: "shown" where the bundle itself proves it, "stated" where it is the arbiter's word and nothing in
the bundle speaks against it. Exit code 1 when the ruling does not follow from its evidence, or is not signed by an arbiter.`;

/** `write` receives what goes to standard output. */
export function verifyRulingCommand(
  write: (text: string) => void = (text) => void process.stdout.write(text),
): Command {
  return new Command('verify-ruling')
    .description('check a ruling and the evidence it rests on, offline; exits 1 when it is wrong')
    .argument('<file>', 'the evidence bundle, as `handsel dispute ruling --out` writes it')
    .option('--anchors <file>', "certificates of the trusted root, PEM (default: those of this network's customer)")
    .option('--arbiter <name>', 'whose rulings count (default: whoever signed it)')
    .option('--primary-keys <file>', 'for tickets: keys of the primary servers (default: those of this network)')
    .option('--content <file>', 'the content, where you have it: then its digest is compared too')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: VerifyOptions) => {
      const content = options.content === undefined ? undefined : (await contentOf(options.content)).content;
      const bytes = readBounded(file, Math.max(bundleType.maxBytes, ticketBundleType.maxBytes));
      const checked = isTicketBundle(bytes)
        ? checkTicketBundle(bytes, options)
        : checkBundle(bytes, { ...options, ...(content && { digest: content }) });
      const shown = { ...checked, ...(content && { content: checked.content ?? ('not-compared' as const) }) };
      write(options.json ? `${JSON.stringify(shown)}\n` : rulingText(shown));
    });
}

/**
 * @param options `digest` is the SHA-256 of the content, from whoever has it
 * @throws DeliveryError `RULING_UNFIT` saying what is wrong; CryptographicError, MessageError, CborError
 */
export function checkBundle(
  bytes: Uint8Array,
  options: GlobalOptions & { readonly anchors?: string; readonly arbiter?: string; readonly digest?: Uint8Array },
): CheckedBundle {
  const anybody = anchorsTrust(options);
  const arbiter = options.arbiter === undefined ? anybody : anchorsTrust(options, new Set([options.arbiter]));
  const identify = { customer: anybody, merchant: anybody, trustee: anybody, arbiter };
  const bundle = decodeShape(bundleType, bytes);
  const { ruling, complaint, reasons } = verifyRuling(bundle, {
    identify,
    ...(options.digest && { content: options.digest }),
  });
  const { outcome, breaches, person, atMs } = ruling;
  return {
    ...{ right: true, case: toHex(ruling.case), arbiter: ruling.arbiter, about: complaint.about, outcome, breaches },
    ...(person !== undefined && { person }),
    at: new Date(atMs).toISOString(),
    // One that is another than was opened did not come this far.
    ...(options.digest !== undefined && ruling.content !== undefined && { content: 'compared' as const }),
    reasons: reasons.map(({ code, text, basis }) => ({ code, text, basis })),
  };
}
