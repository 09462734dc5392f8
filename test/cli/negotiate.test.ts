import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { type NegotiationReport, runNegotiate } from '../../src/cli/negotiate.ts';

const file = (name: string) => fileURLToPath(new URL(`../../examples/negotiation/${name}.xml`, import.meta.url));
const base = {
  domain: file('data-set-domain'),
  profile: [file('data-set-buyer'), file('data-set-seller')],
  strategy: ['pareto-seeking', 'boulware'],
  rounds: '40',
};

test('reports agreement, utilities and distances as JSON, and draws the bids', async () => {
  const plot = join(await mkdtemp(join(tmpdir(), 'handsel-')), 'bids.svg');
  const report = JSON.parse(await runNegotiate({ ...base, plot, json: true })) as NegotiationReport;
  expect(report.outcome).toBe('agreement');
  expect(Object.keys(report.agreement!)).toEqual(['Price in cents', 'Licence', 'Delivery', 'Updates']);
  expect(report.utilities[0]).toBeGreaterThan(0.35);
  expect(report.nash!.distance).toBeGreaterThanOrEqual(0);
  expect(report.trace.at(-1)!.move).toBe('accept');
  const picture = await readFile(plot, 'utf8');
  expect(XMLValidator.validate(picture)).toBe(true);
  expect(picture.match(/<circle/g)!.length).toBeGreaterThan(report.offers);
});

test('prints a table a person can read', async () => {
  const text = await runNegotiate(base);
  expect(text).toContain('Agreement in round');
  expect(text).toContain('Nash point:');
});

test('refuses one profile, or too many rounds', async () => {
  await expect(runNegotiate({ ...base, profile: [base.profile[0]!] })).rejects.toMatchObject({
    code: 'NEGOTIATION_PARTIES',
  });
  await expect(runNegotiate({ ...base, rounds: '1e9' })).rejects.toMatchObject({ code: 'NEGOTIATION_ROUNDS_INVALID' });
});

test('names the file that is no Genius file', async () => {
  const odd = join(await mkdtemp(join(tmpdir(), 'handsel-')), 'odd.xml');
  await writeFile(odd, 'no XML at all');
  const asked = runNegotiate({ ...base, profile: [base.profile[0]!, odd] });
  await expect(asked).rejects.toMatchObject({ code: 'GENIUS_NOT_XML', message: expect.stringContaining(odd) });
});

test('counts one offer as one', async () => {
  const text = await runNegotiate({ ...base, strategy: ['conceder'], rounds: '1' });
  expect(text).not.toMatch(/after 1 offers/);
});
