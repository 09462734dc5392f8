import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GeniusError, MAX_GENIUS_LENGTH } from '../../../src/agent/negotiation/genius-element.ts';
import type { Issue } from '../../../src/agent/negotiation/issue.ts';
import { NegotiationError } from '../../../src/agent/negotiation/negotiation-error.ts';
import { readGeniusDomain, readGeniusProfile } from '../../../src/agent/negotiation/read-genius.ts';
import { createUtilitySpace, utilityOf } from '../../../src/agent/negotiation/utility.ts';
import { writeGeniusDomain, writeGeniusProfile } from '../../../src/agent/negotiation/write-genius.ts';

const example = (name: string) =>
  readFileSync(new URL(`../../../examples/negotiation/${name}.xml`, import.meta.url), 'utf8');

describe('Genius files', () => {
  const domain = readGeniusDomain(example('data-set-domain'));

  test('a domain gives its issues in order, with bounds and values', () => {
    expect(domain.name).toBe('Data set');
    expect(domain.issues[0]).toEqual({ type: 'integer', name: 'Price in cents', lower: 400, upper: 1200 });
    expect(domain.issues[1]).toEqual({
      type: 'discrete',
      name: 'Licence',
      values: ['personal', 'team', 'redistribution'],
    });
  });

  test('a profile divides evaluations by the largest of the issue and weighs them', () => {
    const buyer = readGeniusProfile(example('data-set-buyer'), domain);
    expect(buyer.reservation).toBe(0.35);
    expect(utilityOf(buyer, [400, 'redistribution', 'at once', 'for ever'])).toBeCloseTo(1, 12);
    expect(utilityOf(buyer, [800, 'personal', 'next day', 'one year'])).toBeCloseTo(
      0.4 * 0.5 + 0.3 * 0.2 + 0.1 * 0.2 + 0.2 * 0.75,
      12,
    );
  });

  test('an integer with slope and offset counts from its lower bound, one with parameters from zero', () => {
    const text = (evaluator: string) =>
      `<utility_space><objective index="0"><issue index="1" name="n" type="integer" lowerbound="10" upperbound="20">${evaluator}</issue><weight index="1" value="1"/></objective></utility_space>`;
    const bare = readGeniusDomain(text(''));
    expect(
      utilityOf(readGeniusProfile(text('<evaluator ftype="linear" offset="0" slope="0.1"/>'), bare), [15]),
    ).toBeCloseTo(0.5);
    expect(
      utilityOf(readGeniusProfile(text('<evaluator ftype="linear" parameter0="0" parameter1="0.02"/>'), bare), [15]),
    ).toBeCloseTo(0.3);
  });

  test('weights of nested objectives multiply', () => {
    const text = `<utility_space><objective index="0"><weight index="1" value="0.4"/><weight index="2" value="0.6"/>
      <issue index="1" name="a"><item index="1" value="x" evaluation="1"/><item index="2" value="y" evaluation="0"/></issue>
      <objective index="2"><weight index="3" value="0.5"/><weight index="4" value="0.5"/>
        <issue index="3" name="b"><item index="1" value="x" evaluation="1"/><item index="2" value="y" evaluation="0"/></issue>
        <issue index="4" name="c"><item index="1" value="x" evaluation="1"/><item index="2" value="y" evaluation="0"/></issue>
      </objective></objective></utility_space>`;
    expect(readGeniusProfile(text, readGeniusDomain(text)).weights).toEqual([0.4, 0.3, 0.3]);
  });

  test('the five entities of XML itself are understood in values and written again', () => {
    const issues: Issue[] = [{ type: 'discrete', name: 'R&D <"x">', values: ["it's & more", '1 < 2'] }];
    expect(readGeniusDomain(writeGeniusDomain({ name: 'a & b', issues })).issues).toEqual(issues);
  });

  test('what is written reads back equal, for every type of issue and evaluation', () => {
    const issues: Issue[] = [
      { type: 'discrete', name: 'd', values: ['x', 'y'] },
      { type: 'integer', name: 'i', lower: 3, upper: 9 },
      { type: 'real', name: 'r', lower: 0.5, upper: 2 },
      { type: 'real', name: 't', lower: 0, upper: 10 },
      { type: 'real', name: 'c', lower: 0, upper: 1 },
    ];
    const space = createUtilitySpace({
      issues,
      weights: [0.25, 0.25, 0.25, 0.125, 0.125],
      evaluations: [
        {
          type: 'table',
          values: new Map([
            ['x', 1],
            ['y', 0.25],
          ]),
        },
        { type: 'linear', offset: -0.5, slope: 0.125 },
        { type: 'linear', offset: 1.5, slope: -0.5 },
        { type: 'triangular', lower: 0, top: 4, upper: 10 },
        { type: 'constant', value: 0.5 },
      ],
      reservation: 0.25,
      discount: 0.75,
    });
    expect(readGeniusProfile(writeGeniusProfile('p', space), { name: 'p', issues })).toEqual(space);
  });

  test.each([
    ['GENIUS_DOCTYPE_REFUSED', '<!DOCTYPE x [<!ENTITY a "b">]><utility_space/>'],
    ['GENIUS_NOT_XML', '<utility_space>'],
    ['GENIUS_INVALID', '<utility_space></utility_space>'],
    ['GENIUS_INVALID', '<utility_space><objective index="0"></objective></utility_space>'],
    [
      'GENIUS_INVALID',
      '<utility_space><objective><issue index="1" name="a" type="integer" lowerbound="5" upperbound="1"/></objective></utility_space>',
    ],
    [
      'GENIUS_UNSUPPORTED',
      '<utility_space><objective><issue index="1" name="a" type="colour"/></objective></utility_space>',
    ],
    ['GENIUS_NOT_XML', '<a>'.repeat(200) + '</a>'.repeat(200)],
    ['GENIUS_TOO_LARGE', ' '.repeat(MAX_GENIUS_LENGTH + 1)],
  ])('refuses with %s: %.60s', (code, text) => {
    expect(() => readGeniusDomain(text)).toThrow(expect.objectContaining({ code }));
  });

  test('refuses a profile of another domain and a nonlinear one', () => {
    const other = readGeniusDomain(example('api-hours-domain'));
    expect(() => readGeniusProfile(example('data-set-buyer'), other)).toThrow(
      expect.objectContaining({ code: 'GENIUS_DOMAIN_MISMATCH' }),
    );
    const nonlinear = example('data-set-buyer').replace('<utility_space ', '<utility_space type="nonlinear" ');
    expect(() => readGeniusProfile(nonlinear, domain)).toThrow(expect.objectContaining({ code: 'GENIUS_UNSUPPORTED' }));
  });

  test('arbitrary text, and files with arbitrary damage, only ever fail with our own error', () => {
    const good = example('data-set-buyer');
    const ours = (text: string) => {
      try {
        readGeniusProfile(text, domain);
        readGeniusDomain(text);
      } catch (error) {
        if (!(error instanceof GeniusError || error instanceof NegotiationError)) throw error;
      }
    };
    fc.assert(fc.property(fc.string({ unit: 'binary' }), ours), { numRuns: 300 });
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(40), fc.string(), (at, cut, insert) => {
        ours(good.slice(0, at) + insert + good.slice(at + cut));
      }),
      { numRuns: 300 },
    );
  });
});
