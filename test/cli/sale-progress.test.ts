import { expect, test } from 'vitest';
import { createSaleProgress } from '../../src/cli/sale-progress.ts';

function told(kinds: readonly string[], end = true): readonly string[] {
  const said: string[] = [];
  const progress = createSaleProgress((line) => said.push(line));
  progress.heard({ from: 'a', to: 'b', kind: 'launch' });
  progress.begin();
  for (const kind of kinds) progress.heard({ from: 'a', to: 'b', kind });
  if (end) progress.end();
  return said.map((line) =>
    line.startsWith('Step') ? line.slice(0, line.indexOf(':')) : line.trim().split(/\s+/)[3]!,
  );
}

test('a message stands under the step it belongs to, though it comes in after one of the next', () => {
  const kinds = [
    'launch',
    'payment-start',
    'PInitReq',
    'payment-request',
    'PReq',
    'completion',
    'PRes',
    'completion-notice',
  ];
  const expected = [
    ...['Step I', 'launch', 'payment-start', 'payment-request'],
    ...['Step II', 'PInitReq', 'PReq', 'PRes'],
    ...['Step III', 'completion', 'completion-notice'],
  ];
  expect(told(kinds)).toEqual(expected);
  expect(told(kinds, false)).toEqual(expected);
});

test('what waits for a message that never comes is told at the end', () => {
  const kinds = ['payment-start', 'payment-request', 'PReq', 'completion'];
  expect(told(kinds, false)).not.toContain('completion');
  expect(told(kinds)).toEqual(['Step I', ...kinds.slice(0, 2), 'Step II', 'PReq', 'Step III', 'completion']);
});

test('a second purchase has its own steps', () => {
  const kinds = ['payment-start', 'payment-request', 'PRes', 'completion-notice'];
  expect(told([...kinds, ...kinds])).toEqual([...told(kinds), ...told(kinds)]);
});
