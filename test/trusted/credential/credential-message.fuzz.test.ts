/** What is said about credentials, lists, and to an authority's server meets arbitrary values and bytes, and only ever fails with our own errors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor } from '../../../src/codec/cbor.ts';
import type { CborValue } from '../../../src/codec/cbor-value.ts';
import type { Shape } from '../../../src/codec/shape.ts';
import { systemRandom } from '../../../src/crypto/random.ts';
import { HandselError } from '../../../src/handsel-error.ts';
import { hostCommandType } from '../../../src/trusted/agent/host-command.ts';
import { hostNoticeType } from '../../../src/trusted/agent/to-host.ts';
import { readAuthorityMessage } from '../../../src/trusted/authority/authority-endpoint.ts';
import {
  chooseDisclosures,
  commitToClaims,
  decodeDisclosures,
  encodeDisclosures,
  openDisclosures,
} from '../../../src/trusted/credential/disclosure.ts';
import {
  authorityQuery,
  authorityRuling,
  portOutcome,
  standingOrder,
} from '../../../src/trusted/credential/port-query.ts';
import { credentialAnswerShape, credentialRequestShape } from '../../../src/trusted/message/credential-talk.ts';
import { remittanceAnswerShape, remittanceRequestShape } from '../../../src/trusted/message/remittance-talk.ts';
import { standingUpdateShape } from '../../../src/trusted/message/standing-list.ts';

const shapes = {
  ...{ credentialRequestShape, credentialAnswerShape, remittanceRequestShape, remittanceAnswerShape },
  ...{ standingUpdateShape, command: hostCommandType.shape, notice: hostNoticeType.shape },
} as unknown as Readonly<Record<string, Shape<never>>>;

const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: -3, max: 40 }),
    fc.maxSafeInteger(),
    fc.string({ maxLength: 40 }),
    fc.constant('a'.repeat(32)),
    fc.uint8Array({ maxLength: 70 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.array(tie('value'), { maxLength: 7 }),
  ),
}));
/** A number of a kind and fields behind it: what gets furthest. */
const row = fc
  .tuple(fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 20, max: 40 })), fc.array(value, { maxLength: 8 }))
  .map(([kind, fields]) => [kind, ...fields]);

function only(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(HandselError);
  }
}

describe('what is said about credentials', () => {
  it.each(Object.entries(shapes))(
    '%s is taken or refused, and what was taken is written the same again',
    (_, shape) => {
      fc.assert(
        fc.property(fc.oneof(row, value), (sent) => {
          const decoded = decodeCbor(encodeCbor(sent));
          only(() => expect(encodeCbor(shape.encode(shape.decode(decoded, 'it')))).toEqual(encodeCbor(sent)));
        }),
        { numRuns: 400 },
      );
    },
  );

  it('to a server, of a server, and to show fields is refused when it makes no sense', () => {
    const wires = [authorityQuery, authorityRuling, portOutcome, standingOrder];
    const { digests } = commitToClaims([{ name: 'name', value: 'Ada' }], systemRandom);
    const components = { type: 'attestation', title: 'pass', digests, expiresDay: 1 } as const;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.oneof(row, value).map((sent) => encodeCbor(sent)),
        ),
        (bytes) => {
          for (const wire of wires) only(() => wire.decode(bytes));
          for (const kind of ['AuthorityQuery', 'port-commit', 'port-abort', 'else'])
            only(() => readAuthorityMessage(kind, bytes));
          only(() => decodeDisclosures(bytes));
          only(() => chooseDisclosures(bytes, ['name']));
          only(() => openDisclosures(components, bytes));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('fields that are shown one by one', () => {
  const claims = fc.uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 20 }),
      value: fc.oneof(fc.string({ maxLength: 20 }), fc.boolean(), fc.integer(), fc.uint8Array({ maxLength: 20 })),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 12 },
  );
  const attestation = (digests: readonly Uint8Array[]) =>
    ({ type: 'attestation', title: 'pass', digests, expiresDay: 1 }) as const;

  it('are those that were chosen and no other, and each is the one that was signed', () => {
    fc.assert(
      fc.property(claims, fc.func(fc.boolean()), (all, isChosen) => {
        const { digests, disclosures } = commitToClaims(all, systemRandom);
        const names = all.map(({ name }) => name).filter((name) => isChosen(name));
        const shown = chooseDisclosures(encodeDisclosures(disclosures), names);
        expect(openDisclosures(attestation(digests), shown)).toEqual(
          Object.fromEntries(all.filter(({ name }) => names.includes(name)).map(({ name, value }) => [name, value])),
        );
        expect(digests.length % 4).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('are refused when one was changed, invented, shown twice, or taken from another credential', () => {
    const { digests, disclosures } = commitToClaims([{ name: 'over 18', value: false }], systemRandom);
    const [own] = disclosures;
    const other = commitToClaims([{ name: 'over 18', value: true }], systemRandom).disclosures[0]!;
    const open = (shown: readonly (typeof other)[]) => () =>
      openDisclosures(attestation(digests), encodeDisclosures(shown));
    const invalid = expect.objectContaining({ code: 'TICKET_INVALID' });
    expect(open([{ ...own!, value: true }])).toThrow(invalid);
    expect(open([{ ...own!, name: 'over 21' }])).toThrow(invalid);
    expect(open([other])).toThrow(invalid);
    expect(open([own!, own!])).toThrow(invalid);
    const doubled = [...digests, digests[0]!];
    expect(() => openDisclosures(attestation(doubled), encodeDisclosures([own!]))).toThrow(invalid);
    expect(() => openDisclosures({ type: 'card' } as never, encodeDisclosures([own!]))).toThrow(invalid);
    expect(() => chooseDisclosures(encodeDisclosures(disclosures), ['name'])).toThrow(
      expect.objectContaining({ code: 'TICKET_UNKNOWN' }),
    );
    expect(() =>
      commitToClaims(
        [
          { name: 'a', value: 1 },
          { name: 'a', value: 2 },
        ],
        systemRandom,
      ),
    ).toThrow(invalid);
    expect(open([own!])()).toEqual({ 'over 18': false });
  });
});
