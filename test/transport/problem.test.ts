import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CryptographicError, HandselError } from '../../src/handsel-error.ts';
import { problemFor, readProblem } from '../../src/transport/problem.ts';

test('every cryptographic failure looks the same from outside', () => {
  const [a, b] = [new Error('bad tag'), new Error('bad signature')].map((cause) =>
    problemFor(new CryptographicError(cause)),
  );
  expect(a).toEqual(b);
  expect(a!.status).toBe(403);
});

test('what went wrong inside stays inside', () => {
  for (const error of [new Error('secret path'), new HandselError('JOURNAL_FAILED', 'secret path'), 'secret path']) {
    const { status, body } = problemFor(error);
    expect(status).toBe(500);
    expect(new TextDecoder().decode(body)).not.toContain('secret');
  }
});

test('reads back what it writes', () => {
  expect(readProblem(problemFor(new HandselError('A_CODE', 'why')).body)).toEqual({ code: 'A_CODE', detail: 'why' });
});

test('takes arbitrary bytes and arbitrary JSON for no problem rather than fail', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => readProblem(bytes) === undefined));
  fc.assert(
    fc.property(fc.json(), (json) => {
      const read = readProblem(new TextEncoder().encode(json));
      return read === undefined || typeof read.code === 'string';
    }),
  );
});
