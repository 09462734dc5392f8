/** Lets ISO 8583 requests into a machine's host: the message's own identity makes repeats harmless, also after a restart. */
import { sha256 } from '../../crypto/digest.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Host } from '../../journal/host.ts';
import type { CardRequest, CardResponse } from '../message/card-message.ts';
import { encodeCardResponse, readCardRequest, responseTo } from '../message/card-message-codec.ts';
import { cardMessageIdentity } from '../message/card-message-identity.ts';
import { Iso8583Error } from '../message/iso8583-field.ts';
import type { Iso8583Message } from '../message/iso8583-message.ts';
import { RESPONSE_CODES } from '../message/response-code.ts';
import type { Iso8583Handler } from './tcp-server.ts';

/** The input of the acquirer's and the issuer's machine that is a message from the network. */
export interface CardMessageInput {
  readonly type: 'message';
  readonly messageId: string;
  readonly request: CardRequest;
}

/**
 * A request that is not to be understood is answered 30 where it can be answered at all; another request under an identity
 * already used, 94. When the host itself cannot answer there is silence, and the sender repeats.
 */
export function createHostEntrance(host: Pick<Host<unknown, CardMessageInput>, 'handle'>): Iso8583Handler {
  return async ({ bytes, message }) => {
    let request: CardRequest;
    try {
      request = readCardRequest(message);
    } catch (error) {
      const refusal = error instanceof Iso8583Error ? formatError(message) : undefined;
      if (refusal === undefined) throw error;
      return encodeCardResponse(refusal);
    }
    const messageId = cardMessageIdentity(request);
    try {
      return await host.handle({ messageId, digest: sha256(bytes), input: { type: 'message', messageId, request } });
    } catch (error) {
      if (!(error instanceof HandselError)) throw error;
      if (error.code !== 'MESSAGE_IDENTITY_REUSED') return undefined;
      return encodeCardResponse(responseTo(request, RESPONSE_CODES.duplicateTransmission));
    }
  };
}

const ANSWERABLE: Readonly<Record<string, CardResponse['type']>> = {
  '0100': 'authorise',
  '0200': 'purchase',
  '0220': 'capture',
  '0420': 'reverse',
  '0500': 'reconcile',
};

function formatError({ mti, fields }: Iso8583Message): CardResponse | undefined {
  const type = ANSWERABLE[mti];
  const text = (field: number) => fields.get(field) as string | undefined;
  const [transmittedAt, stan] = [text(7), text(11)];
  if (type === undefined || transmittedAt === undefined || stan === undefined) return undefined;
  const echoed = {
    acquirerId: text(32),
    retrievalReference: text(37),
    terminalId: text(41)?.trimEnd(),
    merchantId: text(42)?.trimEnd(),
  };
  const present = Object.fromEntries(Object.entries(echoed).filter(([, value]) => value !== undefined));
  return { type, transmittedAt, stan: Number(stan), responseCode: RESPONSE_CODES.formatError, ...present };
}
