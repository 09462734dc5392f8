/** Every decoder of a SET message meets arbitrary bytes, and pieces of real messages changed at random, and only ever fails with our own errors. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeDer } from '../../../src/codec/der.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { decodeOrderOutcome } from '../../../src/set/merchant/order-outcome.ts';
import { decodeAuthReq, decodeAuthReqTbs } from '../../../src/set/message/authorization-request.ts';
import {
  decodeAuthRes,
  decodeAuthResBaggage,
  decodeAuthResTbs,
} from '../../../src/set/message/authorization-response.ts';
import {
  decodeAuthRevReq,
  decodeAuthRevReqTbs,
  decodeAuthRevResData,
} from '../../../src/set/message/authorization-reversal.ts';
import { decodeCapTokenData } from '../../../src/set/message/cap-token.ts';
import { digestedType } from '../../../src/set/message/content-digest.ts';
import { contentTypes } from '../../../src/set/message/content-types.ts';
import { decodeErrorBody, decodeErrorTbs } from '../../../src/set/message/error-message.ts';
import { pInitReqType, pInitResDataType } from '../../../src/set/message/initiation.ts';
import { decodeInqReqData } from '../../../src/set/message/inquiry.ts';
import { decodeMessage } from '../../../src/set/message/message-wrapper.ts';
import { decodeOIData } from '../../../src/set/message/order-information.ts';
import {
  decodePI,
  decodeSealedInstruction,
  panDataType,
  piHeadType,
} from '../../../src/set/message/payment-instruction.ts';
import { decodePReq } from '../../../src/set/message/purchase-request.ts';
import { decodePResData } from '../../../src/set/message/purchase-response.ts';
import { decodePaymentOutcome } from '../../../src/set/wallet/payment-outcome.ts';
import { openWorld, type World } from '../purchase-fixture.ts';

const decoders = {
  decodeMessage,
  decodePReq,
  decodePI,
  decodeSealedInstruction,
  decodeOIData,
  decodePResData,
  decodeInqReqData,
  decodeAuthReq,
  decodeAuthReqTbs,
  decodeAuthRes,
  decodeAuthResTbs,
  decodeAuthResBaggage,
  decodeAuthRevReq,
  decodeAuthRevReqTbs,
  decodeAuthRevResData,
  decodeCapTokenData,
  decodeErrorBody,
  decodeErrorTbs,
  decodePaymentOutcome,
  decodeOrderOutcome,
  pInitReq: (bytes: Uint8Array) => decodeDer(pInitReqType, bytes),
  pInitResData: (bytes: Uint8Array) => decodeDer(pInitResDataType, bytes),
  piHead: (bytes: Uint8Array) => decodeDer(piHeadType, bytes),
  panData: (bytes: Uint8Array) => decodeDer(panDataType, bytes),
  digest: (bytes: Uint8Array) => decodeDer(digestedType(contentTypes.oiData), bytes),
};

/** Gives the error, or undefined when the bytes were a message after all. */
function errorOf(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    decode(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('decoders of SET messages', () => {
  it.each(Object.entries(decoders))('%s fails on arbitrary bytes only with our own error', (_, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(errorOf(decode, bytes)).toBeInstanceOf(HandselError);
      }),
      { numRuns: 200 },
    );
  });

  it.each(Object.entries(decoders))('%s fails on DER-like bytes only with our own error', (_, decode) => {
    const element = fc.letrec((tie) => ({
      leaf: fc
        .tuple(fc.constantFrom(1, 2, 4, 5, 6, 10, 12, 18, 24, 26, 0x80, 0x81), fc.uint8Array({ maxLength: 40 }))
        .map(([tag, content]) => [tag, content.length, ...content]),
      node: fc
        .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa2), fc.array(tie('any'), { maxLength: 4 }))
        .map(([tag, parts]) => wrap(tag, (parts as number[][]).flat())),
      any: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('node')),
    })).any;
    fc.assert(
      fc.property(element, (der) => {
        const error = errorOf(decode, Uint8Array.from(der as number[]));
        if (error !== undefined) expect(error).toBeInstanceOf(HandselError);
      }),
      { numRuns: 200 },
    );
  });
});

function wrap(tag: number, content: readonly number[]): number[] {
  const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 255];
  return [tag, ...length, ...content];
}

describe('endpoints', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    await world.order();
    void world.pay();
    await world.run(5000);
  });

  it.each(['merchant', 'gateway'] as const)(
    'the %s answers arbitrary bytes with an Error and changes nothing',
    async (who) => {
      const endpoint = who === 'merchant' ? world.shopEndpoint : world.gateEndpoint;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
          expect(decodeMessage(await endpoint(bytes)).message.type).toBe('Error');
        }),
        { numRuns: 50 },
      );
    },
  );

  it('real requests with random changes are answered by an Error, or as before when nothing protected was changed', async () => {
    const requests = world.carried.map(({ kind, request }) => ({ kind, request }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (sent, at, flip) => {
          const bytes = sent.request.slice();
          bytes[at % bytes.length]! ^= flip;
          const endpoint = sent.kind === 'AuthReq' ? world.gateEndpoint : world.shopEndpoint;
          const answer = decodeMessage(await endpoint(bytes)).message.type;
          expect(['Error', 'PInitRes']).toContain(answer);
        },
      ),
      { numRuns: 150 },
    );
    expect(world.cardRequests).toHaveLength(1);
    expect(world.merchant.state.orders.size).toBe(0);
  });
});
