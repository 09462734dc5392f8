/** Whether a ruling on a ticket is right, by anybody who has the primary servers' keys (`handsel verify-ruling`). */
import { join } from 'node:path';
import { toHex } from '../codec/hex.ts';
import { HandselError } from '../handsel-error.ts';
import { readNetwork } from '../party/configuration/network-home.ts';
import { readPrimaryKeys } from '../party/configuration/primary-keys.ts';
import { decodeTicketBundle } from '../trusted/message/ticket-ruling.ts';
import { verifyTicketRuling } from '../trusted/ruling/verify-ticket-ruling.ts';
import { type GlobalOptions, homeFolder } from './global-options.ts';
import type { CheckedBundle } from './ruling-words.ts';

/**
 * @throws TrustedError `RULING_UNFIT` saying what is wrong; CryptographicError, TrustedError, MessageError, CborError; HandselError
 * `ANCHORS_MISSING`
 */
export function checkTicketBundle(
  bytes: Uint8Array,
  options: GlobalOptions & { readonly primaryKeys?: string },
): CheckedBundle {
  const lists = readPrimaryKeys(options.primaryKeys ?? builtIn(options));
  const { ruling, complaint: _, reasons } = verifyTicketRuling(decodeTicketBundle(bytes), { lists });
  const { outcome, breaches, person, atMs, server } = ruling;
  return {
    ...{
      right: true,
      case: toHex(ruling.case),
      arbiter: `trusted server ${server}`,
      about: 'a ticket',
      outcome,
      breaches,
    },
    ...(person !== undefined && { person }),
    at: new Date(atMs).toISOString(),
    reasons: reasons.map(({ code, text, basis }) => ({ code, text, basis })),
  };
}

/** The keys that a device of this network has built in. */
function builtIn(options: GlobalOptions): string {
  const home = homeFolder(options);
  const device = readNetwork(home)?.parties.find(({ party }) => party === 'device');
  if (device === undefined) {
    throw new HandselError(
      'ANCHORS_MISSING',
      'whose rulings count? --primary-keys names the keys of the primary servers',
    );
  }
  return join(home, device.name, 'trusted', 'primary-keys.json');
}
