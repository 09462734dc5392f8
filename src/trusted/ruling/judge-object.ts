/** What an encrypted electronic object shows in a dispute (US 5,671,280, figure 30, steps 1142 to 1152). */
import { equalBytes } from '../../codec/hex.ts';
import { sha256 } from '../../crypto/digest.ts';
import { HandselError } from '../../handsel-error.ts';
import type { About, ShownObject } from '../message/dispute.ts';
import type { TicketReason } from '../message/ticket-ruling.ts';
import { openWhole } from '../object/object-file.ts';
import { isObjectSigned } from '../object/object-header.ts';
import type { Ticket } from '../ticket/ticket.ts';

/** Undefined where only eyes can tell. */
export function judgeObject(ticket: Ticket, object: ShownObject, about: About): TicketReason | undefined {
  if (!isSoldObject(ticket, object)) {
    return {
      code: 'OBJECT_OF_ANOTHER',
      text: 'The object shown is not the one that the merchant signed for the ticket.',
    };
  }
  const { components } = ticket.body;
  if (about !== 'does-not-open' || object.file === undefined || components.type !== 'decryption') return undefined;
  return opens(object.file, components)
    ? {
        code: 'KEY_OPENS',
        text: 'The key of the ticket opens the whole object, and it is the one that the ticket names.',
      }
    : { code: 'KEY_DOES_NOT_OPEN', text: 'The key of the ticket does not open the object that the merchant signed.' };
}

/** The object with the digest that the ticket's signature is over; and if the file is there, it has it. */
export function isSoldObject({ body, issuerCertificate }: Ticket, { digest, length, file }: ShownObject): boolean {
  const { components } = body;
  if (components.type !== 'decryption') return false;
  if (file !== undefined && (file.length !== length || !equalBytes(sha256(file), digest))) return false;
  const { objectId, objectSignature } = components;
  return isObjectSigned(issuerCertificate.publicKey, { objectId, digest, length }, objectSignature);
}

function opens(
  file: Uint8Array,
  { decryptionKey, objectId }: { readonly decryptionKey: Uint8Array; readonly objectId: string },
): boolean {
  try {
    return openWhole(file, decryptionKey).header.objectId === objectId;
  } catch (error) {
    if (!(error instanceof HandselError)) throw error;
    return false;
  }
}
