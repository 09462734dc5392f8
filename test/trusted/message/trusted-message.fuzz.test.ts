/** Every decoder of what agents, servers and host sides say meets arbitrary values and bytes, and only ever fails with our own errors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/codec/cbor.ts';
import type { CborValue } from '../../../src/codec/cbor-value.ts';
import type { Shape } from '../../../src/codec/shape.ts';
import { makeCompactKey } from '../../../src/crypto/compact-key.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { CryptographicError, HandselError } from '../../../src/handsel-error.ts';
import { hostCommandType } from '../../../src/trusted/agent/host-command.ts';
import { hostNoticeType } from '../../../src/trusted/agent/to-host.ts';
import { certifyAnswerShape, certifyRequestShape } from '../../../src/trusted/message/certify-talk.ts';
import { answerType, claimType, paymentEvidenceShape, shownObjectShape } from '../../../src/trusted/message/dispute.ts';
import { disputeAnswerShape, disputeRequestShape } from '../../../src/trusted/message/dispute-talk.ts';
import { decodeTrustedAnswer, decodeTrustedMessage } from '../../../src/trusted/message/envelope.ts';
import { listUpdateShape } from '../../../src/trusted/message/list-change.ts';
import { partyCredentialShape } from '../../../src/trusted/message/party.ts';
import { readDocument } from '../../../src/trusted/message/signed-document.ts';
import { openStatement } from '../../../src/trusted/message/statement.ts';
import {
  decodeTicketBundle,
  ticketComplaintType,
  ticketHearingType,
  ticketRulingType,
  ticketStatementType,
} from '../../../src/trusted/message/ticket-ruling.ts';
import {
  giveAnswerShape,
  giveRequestShape,
  presentAnswerShape,
  presentRequestShape,
} from '../../../src/trusted/message/ticket-talk.ts';
import { componentsShape } from '../../../src/trusted/ticket/components.ts';
import { readMark } from '../../../src/trusted/ticket/status.ts';
import { bodyShape } from '../../../src/trusted/ticket/ticket.ts';

const shapes: Readonly<Record<string, Shape<never>>> = Object.fromEntries(
  Object.entries({
    ...{
      certifyRequestShape,
      certifyAnswerShape,
      giveRequestShape,
      giveAnswerShape,
      presentRequestShape,
      presentAnswerShape,
    },
    ...{ partyCredentialShape, listUpdateShape, componentsShape, bodyShape },
    ...{ disputeRequestShape, disputeAnswerShape, paymentEvidenceShape, shownObjectShape },
    ...Object.fromEntries(
      [claimType, answerType, ticketComplaintType, ticketHearingType, ticketStatementType, ticketRulingType].map(
        ({ name, shape }) => [name, shape],
      ),
    ),
    command: hostCommandType.shape,
    notice: hostNoticeType.shape,
  }),
) as unknown as Record<string, Shape<never>>;

const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: -3, max: 20 }),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 0n, max: 1n << 63n }),
    fc.string({ maxLength: 40 }),
    fc.uint8Array({ maxLength: 70 }),
    fc.array(tie('value'), { maxLength: 7 }),
  ),
}));
/** A number of a kind and fields behind it: what gets furthest. */
const row = fc
  .tuple(fc.oneof(fc.integer({ min: 1, max: 13 }), fc.integer({ min: 20, max: 60 })), fc.array(value, { maxLength: 8 }))
  .map(([kind, fields]) => [kind, ...fields]);

function only<T extends HandselError>(act: () => unknown, kind: abstract new (...args: never[]) => T): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(kind);
  }
}

describe('a decoder', () => {
  it.each(Object.entries(shapes))(
    '%s takes values or refuses them, and writes what it took the same again',
    (_, shape) => {
      fc.assert(
        fc.property(fc.oneof(row, value), (sent) => {
          const decoded = decodeCbor(encodeCbor(sent));
          only(
            () => expect(encodeCbor(shape.encode(shape.decode(decoded, 'it')))).toEqual(encodeCbor(sent)),
            HandselError,
          );
        }),
        { numRuns: 300 },
      );
    },
  );

  it('of messages, answers and marks refuses arbitrary bytes', () => {
    const documents = [claimType, answerType, ticketRulingType].map(
      (type) => (bytes: Uint8Array) => readDocument(type as typeof claimType, bytes),
    );
    const decoders = [decodeTrustedMessage, decodeTrustedAnswer, readMark, decodeTicketBundle, ...documents];
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          row.map((sent) => encodeCbor(sent)),
        ),
        (bytes) => {
          for (const decode of decoders) only(() => decode(bytes), HandselError);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of statements tells nothing about what is wrong', () => {
    const { privateKey } = makeCompactKey(systemRandom);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          value.map((sent) => encodeCbor(sent)),
        ),
        (bytes) => {
          only(() => openStatement(bytes, { agentId: 1, privateKey }), CryptographicError);
        },
      ),
      { numRuns: 200 },
    );
  });
});
